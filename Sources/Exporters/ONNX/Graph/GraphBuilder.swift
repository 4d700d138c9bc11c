import Safetensors

/// A builder of ONNX graphs: nodes, constants and names. It knows operators, but no model.
///
/// Nodes are named after the module that they are a part of, such as `bert.pooler.dense/Gemm`, and so are
/// their outputs. Constants are written once, however often they are requested.
final class GraphBuilder {
    typealias Value = GraphValue

    /// A constant that is written with the graph.
    struct Constant {
        let name: String
        let data: TensorData
    }

    /// The floating-point type of the computation.
    let float: SafetensorsDType
    /// The version of the operators (opset).
    let opset: Int
    private(set) var nodes: [Onnx_NodeProto] = []
    private(set) var constants: [Constant] = []
    /// Indices expanded to all examples and heads, by the indices.
    var expandedIndices: [Value: Value] = [:]
    private(set) var inputs: [Onnx_ValueInfoProto] = []
    private(set) var outputs: [Onnx_ValueInfoProto] = []
    /// The inputs that are quantized already: several layers may read one input.
    var quantizedInputs: [QuantizedInput: [Value]] = [:]
    private var constantNames: Set<String> = []
    private var nodeNames: Set<String> = []

    /// - Parameters:
    ///   - float: The floating-point type of the computation: float32 or float16.
    ///   - opset: The version of the operators (opset).
    init(float: SafetensorsDType, opset: Int) {
        self.float = float
        self.opset = opset
    }

    /// Adds an input of the graph.
    func input(_ name: String, _ type: Onnx_TensorProto.DataType, _ shape: [Dimension]) -> Value {
        inputs.append(Self.info(name, type, shape))
        return Value(name: name)
    }

    /// Makes a value an output of the graph, under a name.
    func output(
        _ value: Value, as name: String, _ type: Onnx_TensorProto.DataType, _ shape: [Dimension]
    ) {
        outputs.append(Self.info(name, type, shape))
        for index in nodes.indices {
            nodes[index].output = nodes[index].output.map { $0 == value.name ? name : $0 }
            nodes[index].input = nodes[index].input.map { $0 == value.name ? name : $0 }
        }
    }

    /// Returns a constant, which is written under its name the first time that it is requested.
    func constant(_ name: String, _ data: @autoclosure () throws -> TensorData) rethrows -> Value {
        if constantNames.insert(name).inserted { constants.append(Constant(name: name, data: try data())) }
        return Value(name: name)
    }

    /// Returns a scalar constant in the graph's floating-point type.
    func scalar(_ number: Float, _ name: String) -> Value {
        constant(name, .floats([number], [], as: float))
    }

    /// Returns a constant list of integers, such as axes or a shape.
    func integers(_ numbers: [Int64]) -> Value {
        let name = "int64/" + numbers.map(String.init).joined(separator: ",")
        return constant(name, .int64(numbers, [numbers.count]))
    }

    /// Returns a constant integer.
    func integer(_ number: Int64) -> Value {
        constant("int64/scalar/\(number)", .int64([number], []))
    }

    /// Adds a node with one output.
    ///
    /// - Parameters:
    ///   - operation: The operator.
    ///   - inputs: Its inputs, in the operator's order.
    ///   - module: The module that it is a part of.
    ///   - attributes: The operator's attributes.
    func node(
        _ operation: String, _ inputs: [Value], in module: String, _ attributes: [String: Attribute] = [:]
    ) -> Value {
        nodes(operation, inputs, outputs: 1, in: module, attributes)[0]
    }

    /// Adds a node with several outputs.
    func nodes(
        _ operation: String, _ inputs: [Value], outputs count: Int, in module: String,
        _ attributes: [String: Attribute] = [:]
    ) -> [Value] {
        var name = "\(module)/\(operation)"
        var number = 1
        while !nodeNames.insert(name).inserted {
            number += 1
            name = "\(module)/\(operation)_\(number)"
        }
        var node = Onnx_NodeProto()
        node.name = name
        node.opType = operation
        node.input = inputs.map(\.name)
        node.output = count == 1 ? [name] : (0..<count).map { "\(name):\($0)" }
        node.attribute = attributes.sorted { $0.key < $1.key }.map { $0.value.proto($0.key) }
        nodes.append(node)
        return node.output.map(Value.init)
    }

    /// Returns the graph without its constants, which are written one after another behind it.
    func graph(named name: String) -> Onnx_GraphProto {
        var graph = Onnx_GraphProto()
        graph.name = name
        graph.node = nodes
        graph.input = inputs
        graph.output = outputs
        return graph
    }

    private static func info(
        _ name: String, _ type: Onnx_TensorProto.DataType, _ shape: [Dimension]
    ) -> Onnx_ValueInfoProto {
        var info = Onnx_ValueInfoProto()
        info.name = name
        info.type.tensorType.elemType = Int32(type.rawValue)
        info.type.tensorType.shape.dim = shape.map(\.proto)
        return info
    }
}

/// A quantized input and its quantization scheme.
struct QuantizedInput: Hashable {
    let value: GraphBuilder.Value
    /// The scheme, with the numbers that determine the result.
    let scheme: String
}

/// A size of an input or output.
enum Dimension {
    /// A dynamic size, by name.
    case dynamic(String)
    case fixed(Int)

    fileprivate var proto: Onnx_TensorShapeProto.Dimension {
        var dimension = Onnx_TensorShapeProto.Dimension()
        switch self {
        case .dynamic(let name): dimension.dimParam = name
        case .fixed(let size): dimension.dimValue = Int64(size)
        }
        return dimension
    }
}

/// An attribute of an operator.
enum Attribute {
    case int(Int)
    case ints([Int])
    case float(Float)
    case string(String)

    fileprivate func proto(_ name: String) -> Onnx_AttributeProto {
        var attribute = Onnx_AttributeProto()
        attribute.name = name
        switch self {
        case .int(let value): (attribute.type, attribute.i) = (.int, Int64(value))
        case .ints(let values): (attribute.type, attribute.ints) = (.ints, values.map(Int64.init))
        case .float(let value): (attribute.type, attribute.f) = (.float, value)
        case .string(let text): (attribute.type, attribute.s) = (.string, .init(text.utf8))
        }
        return attribute
    }
}
