import TestSupport
import Testing
import Torch

extension Engine {
    @Suite("Random operations")
    struct RandomOperationTests {
        @Test("operations on random, often wrong, shapes return or throw, and leak nothing")
        func neverCrash() async {
            // In a process of its own: a crash there is a failed test here, and the count is its own.
            await #expect(processExitsWith: .success) {
                let before = Runtime.liveTensorCount
                try Runtime.setThreadCount(1)
                var operations = RandomOperations(seed: 42)
                for _ in 0..<6000 { operations.step() }
                #expect(operations.succeeded > 1000, "\(operations.succeeded) of 6000 succeeded")
                #expect(operations.refused > 1000, "\(operations.refused) of 6000 were refused")
                #expect(operations.otherErrors.isEmpty, "\(operations.otherErrors)")
                #expect(Runtime.liveTensorCount == before)
            }
        }
    }
}

/// Applies random operations to random tensors.
private struct RandomOperations {
    var generator: SeededGenerator
    var succeeded = 0
    var refused = 0
    var otherErrors: [String] = []

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func step() {
        do {
            let inputs = try (0..<4).map { _ in try tensor() }
            let result = try operation(inputs)
            try use(result)
            succeeded += 1
        } catch let error as TorchError {
            if error.description.isEmpty || error.description.contains("\n") {
                otherErrors.append("message '\(error)'")
            }
            refused += 1
        } catch {
            otherErrors.append("\(error)")
        }
    }

    /// Reads everything of a result, so that a broken one is noticed; goes backward through half of them.
    private mutating func use(_ result: Tensor) throws {
        guard result.count < 100_000 else { return }
        if try result.bytes().count != result.count * result.dtype.size {
            otherErrors.append("\(result) has another number of bytes")
        }
        if result.requiresGrad, Bool.random(using: &generator) { try result.sum().backward() }
    }

    // Mostly small and equal sizes, so that many calls fit; zeros and ones for the edges.
    private mutating func size() -> Int { [0, 1, 1, 2, 2, 2, 2, 3, 4].randomElement(using: &generator) ?? 1 }

    private mutating func shape() -> [Int] {
        let rank = [0, 1, 2, 2, 2, 3, 4, 4].randomElement(using: &generator) ?? 2
        return (0..<rank).map { _ in size() }
    }

    private mutating func integer() -> Int {
        // No size between "small" and "more than any address space": the machine might really try.
        let extremes = [Int.min, Int.min + 1, -1_000_000_007, 1 << 50, 1 << 62, Int.max - 1, Int.max]
        if Int.random(in: 0..<20, using: &generator) == 0 {
            return extremes.randomElement(using: &generator) ?? 0
        }
        return Int.random(in: -3...4, using: &generator)
    }

    private mutating func integers() -> [Int] {
        let count = Int.random(in: 0...4, using: &generator)
        return (0..<count).map { _ in integer() }
    }

    private mutating func number() -> Double {
        [0, 1, -1, 0.5, 2, 1e300, -1e300, .nan, .infinity].randomElement(using: &generator) ?? 0
    }

    private mutating func tensor() throws -> Tensor {
        let dtypes: [DType] = [.float32, .float32, .float32, .float32, .int64, .int64] + DType.allCases
        let dtype = dtypes.randomElement(using: &generator) ?? .float32
        let values = try Tensor.uniform(shape(), low: -1, high: 4, seed: generator.next())
        var tensor = try values.to(dtype)
        // Views with other strides, too.
        if tensor.rank > 1, Int.random(in: 0..<4, using: &generator) == 0 { tensor = try tensor.transposed() }
        if dtype.isFloatingPoint, Bool.random(using: &generator) {
            tensor = try tensor.clone()
            try tensor.setRequiresGrad(true)
        }
        return tensor
    }

    private mutating func operation(_ x: [Tensor]) throws -> Tensor {
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: try elementwise(x)
        case 1: try view(x[0])
        case 2: try indexing(x)
        case 3: try reduction(x[0])
        case 4: try layer(x)
        default: try other(x)
        }
    }

    private mutating func elementwise(_ x: [Tensor]) throws -> Tensor {
        let a = x[0]
        let b = x[1]
        let c = number()
        switch Int.random(in: 0..<34, using: &generator) {
        case 0: return try a + b
        case 1: return try a - b
        case 2: return try a * b
        case 3: return try a / b
        case 4: return try a.power(b)
        case 5: return try a.maximum(b)
        case 6: return try a.minimum(b)
        case 7: return try a.equal(b)
        case 8: return try a.less(b)
        case 9: return try a.logicalAnd(b)
        case 10: return try a.logicalOr(b)
        case 11: return try a + c
        case 12: return try c - a
        case 13: return try a * c
        case 14: return try a / c
        case 15: return try a.power(c)
        case 16: return try a.clampedBelow(c)
        case 17: return try a.clampedAbove(c)
        case 18: return try a.greaterOrEqual(c)
        case 19: return try a.absolute()
        case 20: return try a.exp()
        case 21: return try a.log()
        case 22: return try a.squareRoot()
        case 23: return try a.reciprocalSquareRoot()
        case 24: return try a.square()
        case 25: return try a.tanh()
        case 26: return try a.sigmoid()
        case 27: return try a.relu()
        case 28: return try a.silu()
        case 29: return try a.erf()
        case 30: return try a.gelu()
        case 31: return try a.geluTanh()
        case 32: return try a.isFinite()
        default: return try -a
        }
    }

    private mutating func view(_ a: Tensor) throws -> Tensor {
        switch Int.random(in: 0..<10, using: &generator) {
        case 0: return try a.reshaped(integers())
        case 1: return try a.expanded(integers())
        case 2: return try a.permuted(integers())
        case 3: return try a.transposed(integer(), integer())
        case 4: return try a.narrowed(dimension: integer(), start: integer(), length: integer())
        case 5:
            let bounds = [integer(), integer()].sorted()
            return try a.sliced(dimension: integer(), bounds[0]..<bounds[1], step: integer())
        case 6: return try a.selected(dimension: integer(), index: integer())
        case 7: return try a.squeezed(integer())
        case 8: return try a.unsqueezed(integer())
        default: return try a[integer()]
        }
    }

    private mutating func indexing(_ x: [Tensor]) throws -> Tensor {
        switch Int.random(in: 0..<7, using: &generator) {
        case 0: return try x[0].indexSelect(dimension: integer(), x[1].to(.int64))
        case 1: return try x[0].gathered(dimension: integer(), x[1].to(.int64))
        case 2: return try x[0].gathered(dimension: integer(), x[1])
        case 3: return try .where(x[0].greater(1), x[1], x[2])
        case 4: return try x[0].maskedFill(x[1].greater(1), number())
        case 5: return try .concatenated(x, dimension: integer())
        default: return try .stacked(Array(x[0..<2]), dimension: integer())
        }
    }

    private mutating func reduction(_ a: Tensor) throws -> Tensor {
        let keep = Bool.random(using: &generator)
        switch Int.random(in: 0..<9, using: &generator) {
        case 0: return try a.sum(integer(), keepDimensions: keep)
        case 1: return try a.mean(integer(), integer(), keepDimensions: keep)
        case 2: return try a.max(integer(), keepDimensions: keep)
        case 3: return try a.min(keepDimensions: keep)
        case 4: return try a.logSumExp(integer(), keepDimensions: keep)
        case 5: return try a.norm(integer(), keepDimensions: keep)
        case 6: return try a.argmax(dimension: integer(), keepDimensions: keep)
        case 7: return try a.cumulativeSum(dimension: integer())
        default: return try a.mean(keepDimensions: keep)
        }
    }

    private mutating func layer(_ x: [Tensor]) throws -> Tensor {
        switch Int.random(in: 0..<12, using: &generator) {
        case 0: return try x[0].softmax(dimension: integer())
        case 1: return try x[0].logSoftmax(dimension: integer())
        case 2: return try x[0].linear(x[1])
        case 3: return try x[0].linear(x[1], bias: x[2])
        case 4:
            return try x[0].embedding(x[1], paddingIndex: Bool.random(using: &generator) ? integer() : nil)
        case 5: return try x[0].layerNorm(weight: x[1], bias: x[2], epsilon: number())
        case 6: return try .attention(query: x[0], key: x[1], value: x[2], mask: x[3])
        case 7: return try .attention(query: x[0], key: x[0], value: x[0], mask: nil)
        case 8:
            return try x[0].crossEntropy(
                x[1], classWeights: Bool.random(using: &generator) ? x[2] : nil, ignoreIndex: integer(),
                labelSmoothing: number())
        case 9: return try x[0].klDivergenceBatchMean(logTarget: x[1])
        case 10: return try x[0].meanSquaredError(x[1])
        default:
            return try x[0].dropout(probability: number(), seed: generator.next(), offset: generator.next())
        }
    }

    private mutating func other(_ x: [Tensor]) throws -> Tensor {
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: return try x[0].matmul(x[1])
        case 1: return try x[0].matmul(x[0].transposed())
        case 2: return try x[0].to(x[1].dtype)
        case 3:
            try x[0].copy(from: x[1])
            return x[0]
        case 4:
            try x[0].fill(number())
            return x[0]
        case 5: return try .full(integers(), number(), dtype: x[0].dtype)
        case 6: return try .arange(Int.random(in: -3...50, using: &generator), dtype: x[0].dtype)
        default:
            try x[0].sum().backward()
            return try x[0].gradient ?? x[0]
        }
    }
}
