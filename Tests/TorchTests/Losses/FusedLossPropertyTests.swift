import Foundation
import Testing

@testable import Torch

extension Engine {
    /// What holds of a fused loss whatever its inputs.
    @Suite("Fused loss, properties")
    struct FusedLossPropertyTests {
        /// A student and a teacher of random numbers.
        struct Models {
            let student: FusedLoss.Head
            let teacher: FusedLoss.Head
            let targets: Tensor

            init(rows: Int, vocabulary: Int, width: Int, seed: UInt64 = 1, scale: Double = 1) throws {
                func random(_ count: Int, _ seed: UInt64) throws -> Tensor {
                    try Tensor.normal([count, width], standardDeviation: scale, seed: seed)
                }
                student = .init(hidden: try random(rows, seed), weight: try random(vocabulary, seed + 1))
                teacher = .init(hidden: try random(rows, seed + 2), weight: try random(vocabulary, seed + 3))
                targets = try Tensor((0..<rows).map { Int64($0 * 7919 % vocabulary) })
                try student.hidden.setRequiresGrad(true)
                try student.weight.setRequiresGrad(true)
            }

            func loss(_ terms: [LossTerm], dtype: DType? = nil) throws -> FusedLoss {
                try FusedLoss(
                    student: student, teacher: teacher, targets: targets, terms: terms, dtype: dtype,
                    statistics: true)
            }
            func gradients() throws -> [Tensor] {
                [
                    try #require(try student.hidden.gradient), try #require(try student.weight.gradient),
                ]
            }
        }

        static let terms = FusedLossFixture.terms.map(\.term)

        /// The same by tensor operations in float64.
        @Test("several blocks of tokens and ranges of the vocabulary")
        func blocks() throws {
            let models = try Models(rows: 1100, vocabulary: 3001, width: 33, scale: 0.5)
            let result = try models.loss(FusedLossFixture.both)
            try (result.loss * 0.25).backward()
            let hidden = try models.student.hidden.detached().to(.float64)
            let weight = try models.student.weight.detached().to(.float64)
            try hidden.setRequiresGrad(true)
            try weight.setRequiresGrad(true)
            func logarithms(_ hidden: Tensor, _ weight: Tensor, _ temperature: Double) throws -> Tensor {
                try (hidden.matmul(weight.transposed()) / temperature).logSoftmax()
            }
            let (states, layer) = (
                try models.teacher.hidden.to(.float64), try models.teacher.weight.to(.float64)
            )
            let soft = try logarithms(states, layer, 2)
            let kl = try (soft.exp() * (soft - logarithms(hidden, weight, 2))).sum() * 4
            let chosen = try logarithms(hidden, weight, 1).gathered(
                dimension: 1, models.targets.reshaped([-1, 1]))
            let entropy = try chosen.sum() * -1
            let loss = try kl * 0.6 + entropy * 0.4
            try expectClose(result.loss, loss)
            try (loss * 0.25).backward()
            let gradients = try models.gradients()
            try expectClose(gradients[0], try #require(try hidden.gradient), "hidden")
            try expectClose(gradients[1], try #require(try weight.gradient), "weight")
        }

        @Test("a weight that the hidden states come from too gets both gradients")
        func tied() throws {
            let table = try Tensor.normal([300, 8], standardDeviation: 0.5, seed: 9)
            let targets = try Tensor((0..<20).map { Int64($0 * 11) })
            func gradient(_ dtype: DType, _ loss: (Tensor, Tensor) throws -> Tensor) throws -> Tensor {
                let leaf = try table.to(dtype).clone()
                try leaf.setRequiresGrad(true)
                try loss(leaf[5..<25] * 2, leaf).backward()
                return try #require(try leaf.gradient)
            }
            let fused = try gradient(.float32) { hidden, weight in
                try FusedLoss(
                    student: .init(hidden: hidden, weight: weight), targets: targets,
                    terms: [LossTerm(.crossEntropy)]
                ).loss
            }
            let plain = try gradient(.float64) { hidden, weight in
                let logarithms = try hidden.matmul(weight.transposed()).logSoftmax()
                return try logarithms.gathered(dimension: 1, targets.reshaped([-1, 1])).sum() * -1
            }
            try expectClose(fused, plain)
        }

        @Test("the same bits on any number of threads")
        func threads() async {
            // In a process of its own: the number is for all threads, and other tests run beside this.
            await #expect(processExitsWith: .success) {
                // libtorch's own sums may depend on the threads.
                guard PackedKernels.areEnabled else { return }
                for dtype in [DType.float32, .bfloat16] {
                    var all: [[UInt8]] = []
                    for threads in [1, 2, 3, 1] {
                        try Runtime.setThreadCount(threads)
                        let models = try Models(rows: 530, vocabulary: 1501, width: 37, scale: 0.5)
                        let result = try models.loss(Self.terms, dtype: dtype)
                        try result.loss.backward()
                        let told = try #require(result.statistics).rows
                        let tensors = try [result.loss, result.sums, told] + models.gradients()
                        all.append(try tensors.flatMap { try $0.bytes() })
                    }
                    #expect(Set(all).count == 1, "\(dtype)")
                }
            }
        }

        @Test(
            "a token's numbers do not depend on the tokens beside it", arguments: [DType.float32, .bfloat16])
        func independence(dtype: DType) throws {
            guard PackedKernels.areEnabled else { return }
            let models = try Models(rows: 530, vocabulary: 701, width: 37, scale: 0.5)
            let all = try models.loss(Self.terms, dtype: dtype)
            try all.loss.backward()
            let gradient = try models.gradients()[0]
            for range in [0..<1, 5..<40, 529..<530] {
                let hidden = try models.student.hidden.detached()[range].clone()
                try hidden.setRequiresGrad(true)
                let some = try FusedLoss(
                    student: .init(hidden: hidden, weight: models.student.weight.detached()),
                    teacher: .init(
                        hidden: try models.teacher.hidden[range].clone(), weight: models.teacher.weight),
                    targets: try models.targets[range].clone(), terms: Self.terms, dtype: dtype,
                    statistics: true)
                try some.loss.backward()
                #expect(
                    try #require(try hidden.gradient).bytes() == gradient[range].contiguous().bytes(),
                    "\(range)")
                let told = try #require(some.statistics).rows
                let expected = try #require(all.statistics).rows.narrowed(
                    dimension: 1, start: range.lowerBound, length: range.count)
                #expect(try told.bytes() == expected.contiguous().bytes(), "\(range)")
            }
        }

        @Test("logits of any size have finite losses and gradients", arguments: [1e-4, 1, 100])
        func sizes(scale: Double) throws {
            // Of 100 the logits are about 10⁴ and more.
            let models = try Models(rows: 9, vocabulary: 300, width: 8, scale: scale)
            let result = try models.loss(Self.terms)
            try result.loss.backward()
            for tensor in try [result.loss, result.sums, try #require(result.statistics).rows]
                + models.gradients()
            {
                #expect(try tensor.array(of: Double.self).allSatisfy(\.isFinite), "\(scale)")
            }
        }

        @Test("equal models: no divergence, and no gradient but the cross-entropy's", arguments: [1.0, 100])
        func equal(scale: Double) throws {
            let models = try Models(rows: 9, vocabulary: 300, width: 8, scale: scale)
            let teacher = FusedLoss.Head(
                hidden: try models.student.hidden.detached(), weight: try models.student.weight.detached())
            let result = try FusedLoss(
                student: models.student, teacher: teacher, targets: models.targets,
                terms: Self.terms.filter(\.needsTeacher))
            try result.loss.backward()
            for tensor in [result.sums, try models.gradients()[0]] {
                let largest = try tensor.array(of: Double.self).map(abs).max() ?? 0
                #expect(largest < 1e-4 * scale)
            }
        }

        @Test("NaN in any input is NaN in the loss")
        func notANumber() throws {
            for place in 0..<4 {
                let models = try Models(rows: 9, vocabulary: 300, width: 8)
                var parts = [
                    models.student.hidden, models.student.weight, models.teacher.hidden,
                    models.teacher.weight,
                ]
                var values: [Float] = try parts[place].detached().array()
                values[13] = .nan
                parts[place] = try Tensor(values, shape: parts[place].shape)
                for (name, term) in FusedLossFixture.terms where place < 2 || term.needsTeacher {
                    let result = try FusedLoss(
                        student: .init(hidden: parts[0], weight: parts[1]),
                        teacher: .init(hidden: parts[2], weight: parts[3]), targets: models.targets,
                        terms: [term])
                    #expect(try result.loss.item().isNaN, "\(name), input \(place)")
                }
            }
        }

        @Test("memory does not grow with the tokens")
        func memory() async {
            await #expect(processExitsWith: .success) {
                // Logits of all tokens would take 400 MB for each of the two models.
                let models = try Models(rows: 20_000, vocabulary: 5000, width: 8)
                let few = try Models(rows: 100, vocabulary: 5000, width: 8)
                _ = try few.loss(FusedLossFixture.both).loss
                let before = try #require(peakMemory())
                let loss = try models.loss(FusedLossFixture.both).loss
                #expect(try #require(peakMemory()) - before < 200 << 20)
                try loss.backward()
            }
        }
    }
}

/// The most bytes of this process that were in memory at a time; `nil` where the system does not say.
func peakMemory() -> Int? {
    guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else {
        return residentMemory()
    }
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line.flatMap { Int($0.filter(\.isNumber)) }.map { $0 * 1024 }
}
