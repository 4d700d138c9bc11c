import Architectures
import Safetensors

extension GraphBuilder: GraphOperations {
    func tokens(_ name: String) -> Value {
        input(name, .int64, [.dynamic("batch"), .dynamic("sequence")])
    }

    func output(_ logits: Value, in module: String, of model: ExportableModel) {
        var logits = logits
        if float != .float32 { logits = node("Cast", [logits], in: module, ["to": .dtype(.float32)]) }
        let configuration = model.configuration
        let rows: [Dimension] =
            configuration.headKind.hasRowForEachToken
            ? [.dynamic("batch"), .dynamic("sequence")] : [.dynamic("batch")]
        output(
            logits, as: configuration.outputName, .float, rows + [.fixed(configuration.outputCount)])
    }

    func binary(_ operation: BinaryOperation, _ a: Value, _ b: Value, in module: String) -> Value {
        let name =
            switch operation {
            case .add: "Add"
            case .subtract: "Sub"
            case .multiply: "Mul"
            case .divide: "Div"
            case .minimum: "Min"
            }
        return node(name, [a, b], in: module)
    }

    func unary(_ operation: UnaryOperation, _ x: Value, in module: String) -> Value {
        let name =
            switch operation {
            case .absolute: "Abs"
            case .negative: "Neg"
            case .cosine: "Cos"
            case .sine: "Sin"
            case .squareRoot: "Sqrt"
            }
        return node(name, [x], in: module)
    }

    func matmul(_ a: Value, _ b: Value, in module: String) -> Value { node("MatMul", [a, b], in: module) }

    func softmax(_ x: Value, in module: String) -> Value {
        node("Softmax", [x], in: module, ["axis": .int(-1)])
    }

    func sum(_ x: Value, axis: Int, in module: String) -> Value {
        node("ReduceSum", [x, integers([Int64(axis)])], in: module, ["keepdims": .int(1)])
    }

    func cumulativeSum(_ x: Value, in module: String) -> Value {
        node("CumSum", [x, integer(1)], in: module)
    }

    func compare(_ x: Value, _ comparison: Comparison, in module: String) -> Value {
        switch comparison {
        case .isNotZero: return node("Cast", [x], in: module, ["to": .dtype(.bool)])
        case .differs(let number):
            return node("Not", [node("Equal", [x, integer(number)], in: module)], in: module)
        case .isAtMost(let number): return node("LessOrEqual", [x, integer(number)], in: module)
        }
    }

    func additive(_ isVisible: Value, in module: String) -> Value {
        // Scores are float32 whatever the weights are.
        let none = constant("float32/0", .floats([0], []))
        let lowest = constant("float32/lowest", .floats([-Float.greatestFiniteMagnitude], []))
        return node("Where", [isVisible, none, lowest], in: module)
    }

    func convert(_ x: Value, _ kind: NumberKind, to other: NumberKind, in module: String) -> Value {
        let type = type(of: other)
        return self.type(of: kind) == type ? x : node("Cast", [x], in: module, ["to": .dtype(type)])
    }

    private func type(of kind: NumberKind) -> SafetensorsDType {
        switch kind {
        case .booleans: .bool
        case .integers: .int64
        case .floats: float
        case .scores, .float32: .float32
        }
    }
}

/// Shapes.
extension GraphBuilder {
    func transpose(_ x: Value, _ order: [Int], in module: String) -> Value {
        node("Transpose", [x], in: module, ["perm": .ints(order)])
    }

    func reshape(_ x: Value, last sizes: [Int], in module: String) -> Value {
        node("Reshape", [x, integers([0, 0] + sizes.map(Int64.init))], in: module)
    }

    func slice(_ x: Value, axis: Int, from start: Int, to end: Int, in module: String) -> Value {
        node("Slice", [x] + [start, end, axis].map { integers([Int64($0)]) }, in: module)
    }

    func insert(axes: [Int], _ x: Value, in module: String) -> Value {
        node("Unsqueeze", [x, integers(axes.map(Int64.init))], in: module)
    }

    func remove(axis: Int, _ x: Value, in module: String) -> Value {
        node("Squeeze", [x, integers([Int64(axis)])], in: module)
    }

    func joined(_ values: [Value], in module: String) -> Value {
        node("Concat", values, in: module, ["axis": .int(-1)])
    }

    func positions(of ids: Value, in module: String) -> Value {
        let length = node("Shape", [ids], in: module, ["start": .int(1), "end": .int(2)])
        let count = node("Squeeze", [length, integers([0])], in: module)
        return node("Range", [integer(0), count, integer(1)], in: module)
    }

    func elements(of list: Value, at indices: Value, in module: String) -> Value {
        node("Gather", [list, indices], in: module)
    }

    func elements(ofLastAxisOf x: Value, at indices: Value, in module: String) -> Value {
        // Indices are not broadcast. All layers have the same examples and heads.
        let expanded =
            expandedIndices[indices]
            ?? node(
                "Expand",
                [
                    indices,
                    node(
                        "Concat",
                        [
                            node("Shape", [x], in: module, ["start": .int(0), "end": .int(2)]),
                            node("Shape", [indices], in: module, ["start": .int(2), "end": .int(4)]),
                        ], in: module, ["axis": .int(0)]),
                ], in: module)
        expandedIndices[indices] = expanded
        return node("GatherElements", [x, expanded], in: module, ["axis": .int(3)])
    }

    func float32s(_ numbers: [Float], _ name: String) -> Value {
        constant(name, .floats(numbers, [numbers.count]))
    }

    func tensor(_ data: (SafetensorsDType) throws -> TensorData, _ name: String) throws -> Value {
        try constant(name, try data(float))
    }

    func integer(_ number: Int) -> Value { integer(Int64(number)) }

    func integers(_ numbers: [Int], _ name: String) -> Value {
        constant(name, .int64(numbers.map(Int64.init), [numbers.count]))
    }
}
