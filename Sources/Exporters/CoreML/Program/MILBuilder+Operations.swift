import Architectures

extension MILBuilder: GraphOperations {
    func tokens(_ name: String) -> GraphValue { input(name, Kind(dtype: .int32, shape: [1, nil])) }

    func output(_ logits: GraphValue, in module: String, of model: ExportableModel) {
        let wide =
            float == .float32 ? logits : cast(logits, .float32, in: module)
        let configuration = model.configuration
        output(wide, as: configuration.outputName)
        guard configuration.embedding == nil, configuration.task.hasOneClass else { return }
        let probabilities = softmax(GraphValue(name: "logits"), in: "probabilities")
        classify(probabilities, configuration.labelNames)
    }

    func binary(
        _ operation: BinaryOperation, _ a: GraphValue, _ b: GraphValue, in module: String
    ) -> GraphValue {
        let type =
            switch operation {
            case .add: "add"
            case .subtract: "sub"
            case .multiply: "mul"
            case .divide: "real_div"
            case .minimum: "minimum"
            }
        let shape = Self.broadcast(kind(a).shape, kind(b).shape)
        return self.operation(
            type, ["x": .value(a), "y": .value(b)], Kind(dtype: kind(a).dtype, shape: shape), in: module)
    }

    /// The sizes of two values together; only L is not known.
    private static func broadcast(_ a: [Int?], _ b: [Int?]) -> [Int?] {
        let rank = max(a.count, b.count)
        func padded(_ sizes: [Int?]) -> [Int?] { [Int?](repeating: 1, count: rank - sizes.count) + sizes }
        return zip(padded(a), padded(b)).map { $0 == 1 ? $1 : $0 }
    }

    func unary(_ operation: UnaryOperation, _ x: GraphValue, in module: String) -> GraphValue {
        let found = kind(x)
        switch operation {
        case .absolute: return self.operation("abs", ["x": .value(x)], found, in: module)
        case .cosine: return self.operation("cos", ["x": .value(x)], found, in: module)
        case .sine: return self.operation("sin", ["x": .value(x)], found, in: module)
        case .squareRoot: return self.operation("sqrt", ["x": .value(x)], found, in: module)
        case .negative:
            return self.operation(
                "mul", ["x": .value(x), "y": .float(-1, found.dtype)], found, in: module)
        }
    }

    func matmul(_ a: GraphValue, _ b: GraphValue, in module: String) -> GraphValue {
        let columns = kind(b).shape.suffix(1)
        return operation(
            "matmul",
            [
                "x": .value(a), "y": .value(b), "transpose_x": .bool(false), "transpose_y": .bool(false),
            ], Kind(dtype: float, shape: kind(a).shape.dropLast() + columns), in: module)
    }

    func softmax(_ x: GraphValue, in module: String) -> GraphValue {
        operation("softmax", ["x": .value(x), "axis": .int(-1)], kind(x), in: module)
    }

    func sum(_ x: GraphValue, axis: Int, in module: String) -> GraphValue {
        var found = kind(x)
        found.shape[axis] = 1
        return operation(
            "reduce_sum", ["x": .value(x), "axes": .ints([axis]), "keep_dims": .bool(true)], found, in: module
        )
    }

    func cumulativeSum(_ x: GraphValue, in module: String) -> GraphValue {
        cumulativeSum(x, isExclusive: false, in: module)
    }

    private func cumulativeSum(
        _ x: GraphValue, isExclusive: Bool, in module: String
    ) -> GraphValue {
        operation(
            "cumsum",
            ["x": .value(x), "axis": .int(1), "exclusive": .bool(isExclusive), "reverse": .bool(false)],
            kind(x), in: module)
    }

    func compare(_ x: GraphValue, _ comparison: Comparison, in module: String) -> GraphValue {
        let (type, number) =
            switch comparison {
            case .isNotZero: ("not_equal", 0)
            case .differs(let number): ("not_equal", number)
            case .isAtMost(let number): ("less_equal", number)
            }
        return operation(type, ["x": .value(x), "y": .int(number)], kind(x).with(.bool), in: module)
    }

    func additive(_ isVisible: GraphValue, in module: String) -> GraphValue {
        // (1 or 0 − 1) · lowest. With more, a score and its mask would be minus infinity in float16.
        let lowest: Float = float == .float16 ? 3e4 : 1e9
        let numbers = cast(isVisible, float, in: module)
        let below = operation(
            "sub", ["x": .value(numbers), "y": .float(1, float)], kind(numbers), in: module)
        return operation("mul", ["x": .value(below), "y": .float(lowest, float)], kind(below), in: module)
    }

    func convert(
        _ x: GraphValue, _ kind: NumberKind, to other: NumberKind, in module: String
    ) -> GraphValue {
        type(of: kind) == type(of: other) ? x : cast(x, type(of: other), in: module)
    }

    private func type(of kind: NumberKind) -> MIL_DataType {
        switch kind {
        case .booleans: .bool
        case .integers: .int32
        case .floats, .scores: float
        case .float32: .float32
        }
    }

    private func cast(_ x: GraphValue, _ dtype: MIL_DataType, in module: String) -> GraphValue {
        let name =
            switch dtype {
            case .float16: "fp16"
            case .bool: "bool"
            case .int32: "int32"
            default: "fp32"
            }
        return operation(
            "cast", ["x": .value(x), "dtype": .string(name)], kind(x).with(dtype), in: module)
    }

    /// The positions of tokens, (1, L), counted without asking for L.
    func counted(_ ids: GraphValue, in module: String) -> GraphValue {
        let zeros = operation("mul", ["x": .value(ids), "y": .int(0)], kind(ids), in: module)
        let ones = operation("add", ["x": .value(zeros), "y": .int(1)], kind(ids), in: module)
        return cumulativeSum(ones, isExclusive: true, in: module)
    }
}
