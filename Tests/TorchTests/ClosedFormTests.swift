import Foundation
import Testing
import Torch

extension Engine {
    /// What the fixture leaves out, against formulas in double precision.
    @Suite("Operations against closed forms")
    struct ClosedFormTests {
        static let points = [-2.5, -1.0, -0.25, 0.25, 0.75, 3.0]

        @Test("element-wise functions and their gradients")
        func unary() throws {
            try check("negate", Self.points, { -$0 }, { try $0.negated() })
            try check("prefix minus", Self.points, { -$0 }, { try -$0 })
            try check("absolute", Self.points, { Swift.abs($0) }, { try $0.absolute() })
            try check("square", Self.points, { $0 * $0 }, { try $0.square() })
            try check("erf", Self.points, { Foundation.erf($0) }, { try $0.erf() })
            try check("rsqrt", [0.1, 1, 7], { 1 / $0.squareRoot() }, { try $0.reciprocalSquareRoot() })
            try check("power", [0.1, 1, 7], { Foundation.pow($0, 2.5) }, { try $0.power(2.5) })
            try check("clamp below", Self.points, { max($0, 0.5) }, { try $0.clampedBelow(0.5) })
            try check("clamp above", Self.points, { min($0, 0.5) }, { try $0.clampedAbove(0.5) })
            try check("2 - x", Self.points, { 2 - $0 }, { try 2 - $0 })
            try check("x - 2", Self.points, { $0 - 2 }, { try $0 - 2 })
            try check("2 + x", Self.points, { 2 + $0 }, { try 2 + $0 })
            try check("3x", Self.points, { 3 * $0 }, { try 3 * $0 })
            try check("x / 4", Self.points, { $0 / 4 }, { try $0 / 4 })
        }

        @Test("power, maximum and minimum of two tensors and their gradients")
        func binary() throws {
            let a = [0.5, 2.0, 3.0]
            let b = [1.5, -1.0, 2.0]
            for (name, scalar, function) in Self.binaryCases {
                let result = try function(try Tensor(a), try Tensor(b)).array(of: Double.self)
                try expectClose(result, zip(a, b).map(scalar), relative: 1e-14, name)
                try expectGradientMatchesDifferences([a, b], shapes: [[3], [3]], name) {
                    try function($0[0], $0[1])
                }
            }
        }

        private static let binaryCases:
            [(String, @Sendable (Double, Double) -> Double, @Sendable (Tensor, Tensor) throws -> Tensor)] = [
                ("power", { Foundation.pow($0, $1) }, { try $0.power($1) }),
                ("maximum", { max($0, $1) }, { try $0.maximum($1) }),
                ("minimum", { min($0, $1) }, { try $0.minimum($1) }),
            ]

        @Test("comparisons and logic give booleans")
        func comparisons() throws {
            let a = try Tensor([1, 2, 3] as [Float])
            let b = try Tensor([3, 2, 1] as [Float])
            try expectBooleans(try a.equal(b), [0, 1, 0])
            try expectBooleans(try a.notEqual(b), [1, 0, 1])
            try expectBooleans(try a.less(b), [1, 0, 0])
            try expectBooleans(try a.greater(b), [0, 0, 1])
            try expectBooleans(try a.equal(2), [0, 1, 0])
            try expectBooleans(try a.notEqual(2), [1, 0, 1])
            try expectBooleans(try a.less(2), [1, 0, 0])
            try expectBooleans(try a.lessOrEqual(2), [1, 1, 0])
            try expectBooleans(try a.greater(2), [0, 0, 1])
            try expectBooleans(try a.greaterOrEqual(2), [0, 1, 1])
            let small = try a.less(3)
            let large = try a.greater(1)
            try expectBooleans(try small.logicalAnd(large), [0, 1, 0])
            try expectBooleans(try small.logicalOr(large), [1, 1, 1])
            try expectBooleans(try small.logicalNot(), [0, 0, 1])
            let odd = try Tensor([1, .infinity, -.infinity, .nan] as [Float])
            try expectBooleans(try odd.isFinite(), [1, 0, 0, 0])
        }

        @Test("minimum, log-sum-exp and norm over dimensions, and their gradients")
        func reductions() throws {
            let values = [1.0, -2, 3, 0.5, 4, -1]
            let x = try Tensor(values, shape: [2, 3])
            try expectClose(try x.min(1).array(), [-2.0, -1])
            try expectClose(try x.min().array(), [-2.0])
            try expectClose(try x.max(0, keepDimensions: true).array(), [1, 4, 3])
            try expectClose(try x.norm(1).array(), [sqrt(14), sqrt(17.25)], relative: 1e-14)
            let expected = [0, 3].map { start in
                Foundation.log(values[start..<start + 3].map { Foundation.exp($0) }.reduce(0, +))
            }
            try expectClose(try x.logSumExp(-1).array(), expected, relative: 1e-14)
            #expect(try x.logSumExp(-1, keepDimensions: true).shape == [2, 1])
            #expect(try x.argmax(dimension: 0, keepDimensions: true).shape == [1, 3])
            // No overflow where exp alone would.
            try expectClose(
                try Tensor([1000.0, 1000]).logSumExp().array(), [1000 + Foundation.log(2)], relative: 1e-14)
            try expectGradientMatchesDifferences([values], shapes: [[2, 3]], "min") { try $0[0].min(1) }
            try expectGradientMatchesDifferences([values], shapes: [[2, 3]], "norm") { try $0[0].norm(1) }
            try expectGradientMatchesDifferences([values], shapes: [[2, 3]], "logSumExp") {
                try $0[0].logSumExp(0)
            }
        }

        @Test("cross-entropy with class weights and label smoothing")
        func crossEntropy() throws {
            let logits = [[0.5, -1.0, 2.0], [1.5, 0.25, -0.75], [0.0, 3.0, 1.0]]
            let targets = [2, 0, 1]
            let weights = [0.5, 2.0, 1.25]
            let smoothing = 0.1
            let logProbabilities = logits.map { row in
                let total = Foundation.log(row.map { Foundation.exp($0) }.reduce(0, +))
                return row.map { $0 - total }
            }
            // As torch.nn.CrossEntropyLoss: both terms are divided by the weights of the targets.
            let weightSum = targets.map { weights[$0] }.reduce(0, +)
            let hard = zip(logProbabilities, targets).map { -weights[$1] * $0[$1] }.reduce(0, +) / weightSum
            let soft =
                logProbabilities.flatMap { row in zip(row, weights).map { -$0 * $1 } }.reduce(0, +)
                / 3 / weightSum

            let x = try Tensor(logits.flatMap { $0 }, shape: [3, 3])
            let labels = try Tensor(targets)
            let classWeights = try Tensor(weights)
            let weighted = try x.crossEntropy(labels, classWeights: classWeights).item()
            try expectClose([weighted], [hard], relative: 1e-13)
            let smoothed = try x.crossEntropy(labels, classWeights: classWeights, labelSmoothing: smoothing)
            try expectClose(
                [try smoothed.item()], [(1 - smoothing) * hard + smoothing * soft], relative: 1e-13)
            try expectGradientMatchesDifferences([logits.flatMap { $0 }], shapes: [[3, 3]], "cross-entropy") {
                try $0[0].crossEntropy(labels, classWeights: classWeights, labelSmoothing: smoothing)
            }
        }

        @Test("broadcasting follows NumPy's rule")
        func broadcasting() throws {
            let shapes: [([Int], [Int], [Int])] = [
                ([3], [], [3]), ([2, 1], [3], [2, 3]), ([4, 1, 2], [3, 1], [4, 3, 2]), ([1], [0], [0]),
                ([2, 1, 1], [2, 5, 3], [2, 5, 3]),
            ]
            for (left, right, result) in shapes {
                #expect(try (Tensor.ones(left) + Tensor.ones(right)).shape == result)
                #expect(try (Tensor.ones(right) * Tensor.ones(left)).shape == result)
            }
            let column = try Tensor([1, 2] as [Float], shape: [2, 1])
            let row = try Tensor([10, 20, 30] as [Float])
            #expect(try (column + row).array(of: Float.self) == [11, 21, 31, 12, 22, 32])
        }

        @Test("integers stay integers beside whole numbers, and turn into floats beside fractions")
        func promotion() throws {
            let x = try Tensor([1, 2, 3] as [Int])
            #expect(try (x + 1).dtype == .int64)
            #expect(try (x * 2).array(of: Int.self) == [2, 4, 6])
            #expect(try (x + 0.5).dtype == .float32)
            #expect(try (x / 2).array(of: Float.self) == [0.5, 1, 1.5])
            #expect(try (x.to(.float64) + Tensor.ones([3])).dtype == .float64)
            #expect(try (x * .infinity).array(of: Float.self) == [.infinity, .infinity, .infinity])
            #expect(try (x.to(.float16) * 2).dtype == .float16)
        }

        private func check(
            _ name: String, _ points: [Double], _ scalar: (Double) -> Double,
            _ function: (Tensor) throws -> Tensor, sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            try expectClose(
                try function(try Tensor(points)).array(), points.map(scalar), relative: 1e-13, name,
                sourceLocation: sourceLocation)
            try expectGradientMatchesDifferences(
                [points], shapes: [[points.count]], name, sourceLocation: sourceLocation
            ) { try function($0[0]) }
        }

        private func expectBooleans(
            _ tensor: Tensor, _ expected: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            #expect(tensor.dtype == .bool, sourceLocation: sourceLocation)
            #expect(try tensor.bytes() == expected, sourceLocation: sourceLocation)
        }
    }
}
