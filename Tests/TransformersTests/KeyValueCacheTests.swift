import Foundation
import Testing
import Torch

@testable import Transformers

/// Texts computed in parts, with the keys and values of what came before, against the same texts computed whole. The models are those of
/// `scripts/fixtures/decoders.py`.
@Suite("Keys and values are kept")
struct KeyValueCacheTests {
    /// Token ids of three texts: longer than every fixture's window, one within a panel of 32 keys and one beyond it.
    static let texts: [[Int32]] = [39, 4, 21].enumerated().map { text, length in
        (0..<length).map { Int32(3 + (17 * $0 + 5 * text) % 57) }
    }

    /// The numbers of tokens that each pass takes of each text; 0 where a text waits or has ended.
    static let schedules: [[[Int]]] = [
        [[39, 4, 21]],
        [[5, 0, 1], [0, 1, 3]] + Array(repeating: [1, 1, 1], count: 3)
            + [[30, 0, 2], [1, 0, 1], [0, 0, 10], [0, 0, 1]],
        Array(repeating: [1, 0, 0], count: 34) + [[0, 4, 20], [5, 0, 1]],
    ]

    private func whole(_ model: TransformerModel, _ text: [Int32], _ precision: Precision = .float32) throws
        -> Tensor
    {
        try withNoGrad {
            try model(
                PackedInput(inputIDs: text, offsets: [0, text.count]), ForwardOptions(precision: precision)
            ).logits
        }
    }

    /// The logits of all texts' tokens, computed in the parts of a schedule.
    private func inParts(
        _ model: TransformerModel, _ schedule: [[Int]], _ precision: Precision = .float32
    ) throws -> [Tensor] {
        let caches = try Self.texts.map { _ in try model.makeCache(precision: precision) }
        var parts: [[Tensor]] = Self.texts.map { _ in [] }
        for pass in schedule {
            var input = PackedInput(inputIDs: [], offsets: [0])
            let members = Self.texts.indices.filter { pass[$0] > 0 }
            for text in members {
                let first = caches[text].length
                input.inputIDs += Self.texts[text][first..<first + pass[text]]
                input.offsets.append(input.inputIDs.count)
            }
            let logits = try model(input, caches: members.map { caches[$0] }).logits
            for (place, text) in members.enumerated() {
                parts[text].append(
                    try logits.narrowed(dimension: 0, start: input.offsets[place], length: pass[text]))
            }
        }
        #expect(caches.map(\.length) == Self.texts.map(\.count))
        return try parts.map { try Tensor.concatenated($0) }
    }

    @Test(
        "logits are those of whole texts, to the bit where the kernels compute them",
        arguments: DecoderGoldenTests.names)
    func parts(_ name: String) throws {
        let model = try AutoModel.load(from: DecoderGoldenTests.directory(name)).model
        let expected = try Self.texts.map { try whole(model, $0) }
        for schedule in Self.schedules {
            let actual = try inParts(model, schedule)
            for text in Self.texts.indices {
                try expectClose(actual[text], expected[text], within: 1e-5, "\(name), text \(text)")
                if PackedKernels.arePreferred(for: .float32, on: .cpu) {
                    #expect(try actual[text].bytes() == expected[text].bytes(), "\(name), text \(text)")
                }
            }
        }
    }

    @Test("the same in bfloat16, whose logits are not rounded to it", arguments: DecoderGoldenTests.names)
    func halfPrecision(_ name: String) throws {
        let model = try AutoModel.load(from: DecoderGoldenTests.directory(name)).model
        let runs = try Self.schedules.map { try inParts(model, $0, .bfloat16) }
        for text in Self.texts.indices {
            let expected = try whole(model, Self.texts[text], .bfloat16)
            for run in runs {
                #expect(run[text].dtype == .float32)
                try expectClose(run[text], expected, within: 0.05, "\(name), text \(text)")
                if PackedKernels.arePreferred(for: .bfloat16, on: .cpu) {
                    #expect(try run[text].bytes() == runs[0][text].bytes(), "\(name), text \(text)")
                }
            }
        }
    }

    @Test("a cache that is cut goes on from there", arguments: ["llama", "gpt2", "gemma3"])
    func truncation(_ name: String) throws {
        let model = try AutoModel.load(from: DecoderGoldenTests.directory(name)).model
        let text = Self.texts[0]
        for precision in [Precision.float32, .bfloat16] {
            let cache = try model.makeCache(precision: precision)
            _ = try model(PackedInput(inputIDs: text.reversed(), offsets: [0, text.count]), caches: [cache])
            try cache.truncate(to: 0)
            _ = try model(PackedInput(inputIDs: Array(text[..<9]), offsets: [0, 9]), caches: [cache])
            _ = try model(PackedInput(inputIDs: [7, 7, 7], offsets: [0, 3]), caches: [cache])
            try cache.truncate(to: 9)
            let rest = PackedInput(inputIDs: Array(text[9...]), offsets: [0, text.count - 9])
            let logits = try model(rest, caches: [cache]).logits
            try expectClose(
                logits,
                whole(model, text, precision).narrowed(dimension: 0, start: 9, length: text.count - 9),
                within: precision == .float32 ? 1e-5 : 0.05, name)
            #expect(cache.byteCount > 0)
            expectRefusal("cut to 40", "39 tokens") { try cache.truncate(to: 40) }
        }
    }

    @Test(
        "texts that begin alike share pages, and none changes another's",
        arguments: ["llama", "gpt2", "gemma3"])
    func sharing(_ name: String) throws {
        let model = try AutoModel.load(from: DecoderGoldenTests.directory(name)).model
        let text = Self.texts[0]
        // It leaves the text behind the first page.
        let other = Array(text[..<35]) + [3, 4]
        for precision in [Precision.float32, .bfloat16] {
            func pass(_ ids: ArraySlice<Int32>, _ cache: KeyValueCache) throws -> Tensor {
                try model(PackedInput(inputIDs: Array(ids), offsets: [0, ids.count]), caches: [cache]).logits
            }
            func check(_ logits: Tensor, _ expected: [Int32], from start: Int) throws {
                let alone = try model.makeCache(precision: precision)
                let whole = try pass(expected[...], alone).narrowed(
                    dimension: 0, start: start, length: expected.count - start)
                try expectClose(logits, whole, within: precision == .float32 ? 1e-5 : 0.05, name)
                if PackedKernels.arePreferred(for: precision.dtype, on: .cpu) {
                    #expect(try logits.bytes() == whole.bytes())
                }
            }
            let first = try model.makeCache(precision: precision)
            _ = try pass(text[..<36], first)
            let second = try KeyValueCache(sharing: first, tokens: 35)
            #expect(second.length == 32)
            // In turn, so that each writes where the other would.
            try check(pass(other[32...], second), other, from: 32)
            try check(pass(text[36...], first), text, from: 36)
            // Both cut into the page that they share, and go on differently.
            for (cache, changed) in [(second, [7, 8, 9] as [Int32]), (first, [11, 12])] {
                try cache.truncate(to: 20)
                try check(pass(changed[...], cache), text[..<20] + changed, from: 20)
            }
            try second.truncate(to: 20)
            try check(pass(text[20..<30], second), Array(text[..<30]), from: 20)
            expectRefusal("a cache of \(first.length) tokens cannot share 40") {
                _ = try KeyValueCache(sharing: first, tokens: 40)
            }
        }
    }

    @Test("what does not fit is refused, and the cache stays as it was")
    func refusals() throws {
        let model = try AutoModel.load(from: DecoderGoldenTests.directory("llama")).model
        let cache = try model.makeCache()
        let two = PackedInput(inputIDs: [3, 4], offsets: [0, 1, 2])
        expectRefusal("2 texts need as many caches", "got 1") { _ = try model(two, caches: [cache]) }
        expectRefusal("each its own") { _ = try model(two, caches: [cache, cache]) }
        expectRefusal("several precisions") {
            _ = try model(two, caches: [cache, model.makeCache(precision: .bfloat16)])
        }
        _ = try model(PackedInput(inputIDs: Self.texts[0], offsets: [0, 39]), caches: [cache])
        expectRefusal("41 tokens", "40 positions", "end it before") {
            _ = try model(PackedInput(inputIDs: [3, 4], offsets: [0, 2]), caches: [cache])
        }
        #expect(throws: (any Error).self) {
            _ = try model(PackedInput(inputIDs: [999], offsets: [0, 1]), caches: [cache])
        }
        #expect(cache.length == 39)
        expectRefusal("is an encoder", "only a language model") { _ = try smallModel().makeCache() }
    }
}
