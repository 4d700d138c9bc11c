import Files
import Foundation
import TestSupport
import Testing
import Torch

@testable import Distillation

@Suite("A language model's kept hidden states")
struct HiddenStateCodingTests {
    private static let (rows, width, vocabulary) = (300, 24, 61)

    private func models(scale: Double = 2) throws -> (states: Tensor, head: Tensor) {
        (
            try Tensor.normal([Self.rows, Self.width], standardDeviation: scale, seed: 3),
            try Tensor.normal([Self.vocabulary, Self.width], seed: 4)
        )
    }

    @Test("float32 keeps every bit; float16 keeps the nearest, with the largest change of any logit")
    func rows() throws {
        let (states, head) = try models()
        #expect(try HiddenStateCoding.float32.rows(of: states, head: head).bytes() == states.bytes())
        let kept = try HiddenStateCoding.float16.rows(of: states, head: head)
        #expect(kept.shape == [Self.rows, Self.width + 1])
        let values: [Float] = try kept.array()
        let given: [Float] = try states.array()
        let weights: [Float] = try head.array()
        for row in 0..<Self.rows {
            let own = Array(values[row * (Self.width + 1)..<(row + 1) * (Self.width + 1)])
            let original = Array(given[row * Self.width..<(row + 1) * Self.width])
            #expect(own.dropLast().elementsEqual(original.map { Float(Float16($0)) }))
            // The same in double, logit by logit.
            var largest = 0.0
            for token in 0..<Self.vocabulary {
                var change = 0.0
                for column in 0..<Self.width {
                    let weight = Double(weights[token * Self.width + column])
                    change += weight * (Double(own[column]) - Double(original[column]))
                }
                largest = max(largest, abs(change))
            }
            #expect(abs(Double(own[Self.width]) - largest) <= 1e-5 * largest + 1e-9)
        }
    }

    @Test("the divergence of what is kept is at most ε² / 2", arguments: [0.5, 4, 60])
    func certificate(_ scale: Double) throws {
        let (states, head) = try models(scale: scale)
        let kept = try HiddenStateCoding.float16.rows(of: states, head: head)
        let values: [Float] = try kept.array()
        let rounded = try Tensor(
            values.enumerated().filter { $0.offset % (Self.width + 1) < Self.width }.map(\.element),
            shape: [Self.rows, Self.width])
        let (whole, own) = try (states.linear(head).logSoftmax(), rounded.linear(head).logSoftmax())
        let divergences: [Float] = try (whole.exp() * (whole - own)).sum(1).array()
        var largest = 0.0
        for row in 0..<Self.rows {
            let epsilon = Double(values[row * (Self.width + 1) + Self.width])
            // Float32 itself rounds the logits.
            #expect(Double(divergences[row]) <= epsilon * epsilon / 2 + 1e-6, "row \(row)")
            largest = max(largest, epsilon)
        }
        #expect(largest > 0)
    }

    @Test("rows in a file are those that were kept", arguments: HiddenStateCoding.allCases)
    func file(_ coding: HiddenStateCoding) throws {
        try withTemporaryDirectory { directory in
            let (states, head) = try models()
            let form = OutputForm.hiddenStates(Self.width, coding)
            let values: [Float] = try coding.rows(of: states, head: head).array()
            let url = directory.appending(path: "a.logits")
            func row(_ index: Int) -> ArraySlice<Float> {
                values[index * form.width..<(index + 1) * form.width]
            }
            try FileSegment.write(
                to: url, teacher: "t", form: form, count: Self.rows,
                key: { ExampleKey(high: UInt64($0), low: 1) }, row: { $1 += row($0) })
            let segment = try FileSegment(url, teacher: "t", form: form)
            var read: [Float] = []
            for index in 0..<Self.rows { try segment.appendRow(index, to: &read) }
            #expect(read == values)
            let bytes = coding == .float16 ? 2 * Self.width + 4 : 4 * Self.width
            #expect(form.rowBytes == bytes)
            // Another form's reader refuses the file.
            let other = OutputForm.hiddenStates(Self.width, coding == .float16 ? .float32 : .float16)
            #expect(throws: ChecksummedFile.Problem.self) { try FileSegment(url, teacher: "t", form: other) }
            #expect(throws: ChecksummedFile.Problem.self) {
                try FileSegment(url, teacher: "t", form: .logits(form.width))
            }
        }
    }

    @Test("states that half precision cannot hold are an error that says what to do")
    func overflow() throws {
        let (states, head) = try models(scale: 1e6)
        let error = #expect(throws: DistillationError.self) {
            try HiddenStateCoding.float16.rows(of: states, head: head)
        }
        #expect(error?.description.contains("--teacher-states float32") == true)
        #expect(throws: Never.self) { try HiddenStateCoding.float32.rows(of: states, head: head) }
    }
}
