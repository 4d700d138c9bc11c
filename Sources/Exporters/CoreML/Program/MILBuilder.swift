import Foundation
import Safetensors

/// A builder of Core ML's programs: operations of MIL, constants and names, in the operators of iOS 16 and macOS 13 (`CoreML6`).
/// It knows operators, but no model.
///
/// A program states the type of every value, so the builder keeps them. One text is classified at a time: B is 1, and L, which
/// is free, the only size that is not known.
final class MILBuilder {
    /// The type of a value: its elements, and its sizes, `nil` for L.
    struct Kind {
        var dtype: MIL_DataType
        var shape: [Int?]

        func with(_ dtype: MIL_DataType) -> Kind { Kind(dtype: dtype, shape: shape) }
    }

    /// An argument of an operation.
    enum Argument {
        case value(GraphValue)
        case values([GraphValue])
        case int(Int)
        case ints([Int])
        case bool(Bool)
        case bools([Bool])
        /// In the type of the operation's numbers.
        case float(Float, MIL_DataType)
        case string(String)
    }

    /// The type of the computation.
    let float: MIL_DataType
    private(set) var operations: [MIL_Operation] = []
    private(set) var inputs: [MIL_NamedValueType] = []
    private(set) var outputs: [String] = []
    private(set) var blobs = BlobFile()
    private(set) var kinds: [GraphValue: Kind] = [:]
    /// Values that were made already, by what they are: constants, and indices repeated for all heads.
    var made: [String: GraphValue] = [:]
    private var names: Set<String> = []

    /// - Parameter float: The type of the computation: float32 or float16.
    init(float: MIL_DataType) { self.float = float }

    /// The type of numbers, as tensors of a checkpoint have it.
    var tensorType: SafetensorsDType { float == .float16 ? .float16 : .float32 }

    /// Returns the type of a value.
    func kind(_ value: GraphValue) -> Kind { kinds[value] ?? Kind(dtype: float, shape: []) }

    /// Adds an input.
    func input(_ name: String, _ kind: Kind) -> GraphValue {
        var input = MIL_NamedValueType()
        input.name = name
        input.type = kind.proto
        inputs.append(input)
        names.insert(name)
        let value = GraphValue(name: name)
        kinds[value] = kind
        return value
    }

    /// Makes a value an output of the program, under a name.
    func output(_ value: GraphValue, as name: String) {
        for index in operations.indices {
            for place in operations[index].outputs.indices
            where operations[index].outputs[place].name == value.name {
                operations[index].outputs[place].name = name
            }
            for (key, argument) in operations[index].inputs {
                for (place, binding) in argument.arguments.enumerated() where binding.name == value.name {
                    operations[index].inputs[key]?.arguments[place].name = name
                }
            }
        }
        kinds[GraphValue(name: name)] = kind(value)
        outputs.append(name)
    }

    /// Adds an operation with one output.
    ///
    /// - Parameters:
    ///   - type: The operator.
    ///   - arguments: Its arguments by name.
    ///   - kind: The type of its output.
    ///   - module: The module that it is a part of.
    func operation(
        _ type: String, _ arguments: KeyValuePairs<String, Argument>, _ kind: Kind, in module: String
    ) -> GraphValue {
        let name = unusedName("\(module)_\(type)")
        var operation = MIL_Operation()
        operation.type = type
        operation.attributes["name"] = .string(name)
        for (key, argument) in arguments { operation.inputs[key] = proto(argument) }
        return add(operation, name, kind)
    }

    /// Adds the operation by which a classifier tells its class and the probabilities of all.
    ///
    /// - Parameters:
    ///   - probabilities: (1, C) float32
    ///   - classes: The classes' names.
    func classify(_ probabilities: GraphValue, _ classes: [String]) {
        var operation = MIL_Operation()
        operation.type = "classify"
        operation.attributes["name"] = .string("classify")
        operation.inputs["probabilities"] = proto(.value(probabilities))
        var list = MIL_Argument.Binding()
        list.value = .strings(classes)
        operation.inputs["classes"] = MIL_Argument.with { $0.arguments = [list] }
        var dictionary = MIL_ValueType()
        dictionary.dictionaryType.keyType = Kind(dtype: .string, shape: []).proto
        dictionary.dictionaryType.valueType = Kind(dtype: .float64, shape: []).proto
        operation.outputs = [
            MIL_NamedValueType.with {
                $0.name = ClassOutputs.label
                $0.type = Kind(dtype: .string, shape: []).proto
            },
            MIL_NamedValueType.with {
                $0.name = ClassOutputs.probabilities
                $0.type = dictionary
            },
        ]
        operations.append(operation)
        outputs = [ClassOutputs.label, ClassOutputs.probabilities] + outputs
    }

    /// Returns a constant, which is written the first time that it is asked for.
    ///
    /// - Parameters:
    ///   - name: Its name, which no other constant has.
    ///   - data: Its elements: float32, float16 or int8.
    func constant(_ name: String, _ data: @autoclosure () throws -> TensorData) throws -> GraphValue {
        if let value = made[name] { return value }
        let data = try data()
        let value = constant(name, try self.value(data), Kind(data))
        made[name] = value
        return value
    }

    /// Returns a constant whose value is known.
    func constant(_ name: String, _ value: MIL_Value, _ kind: Kind) -> GraphValue {
        let name = unusedName(name)
        var operation = MIL_Operation()
        operation.type = "const"
        operation.attributes["name"] = .string(name)
        operation.attributes["val"] = value
        return add(operation, name, kind)
    }

    /// Adds an int8 table or matrix that is multiplied by the scales of its rows when the model is loaded.
    ///
    /// - Parameters:
    ///   - name: Its name.
    ///   - rows: int8 (rows, width)
    ///   - scales: (rows) in the type of the computation.
    func dequantized(_ name: String, rows: TensorData, scales: TensorData) throws -> GraphValue {
        if let value = made[name] { return value }
        let name = unusedName(name)
        var operation = MIL_Operation()
        operation.type = "constexpr_affine_dequantize"
        operation.attributes["name"] = .string(name)
        operation.attributes["quantized_data"] = try value(rows)
        operation.attributes["scale"] = try value(scales)
        operation.attributes["zero_point"] = try value(
            TensorData(.int8, []) { body in try [UInt8(0)].withUnsafeBytes(body) })
        operation.attributes["axis"] = .ints([0], shape: [])
        let value = add(operation, name, Kind(dtype: float, shape: rows.shape))
        made[name] = value
        return value
    }

    private func add(_ operation: MIL_Operation, _ name: String, _ kind: Kind) -> GraphValue {
        var operation = operation
        var output = MIL_NamedValueType()
        output.name = name
        output.type = kind.proto
        operation.outputs = [output]
        operations.append(operation)
        let value = GraphValue(name: name)
        kinds[value] = kind
        return value
    }

    /// Returns the value of a tensor: in the file of constants, or where it is small in the program.
    private func value(_ data: TensorData) throws -> MIL_Value {
        guard data.shape.reduce(1, *) >= Self.leastInFile else { return try .immediate(data) }
        return .inFile(Kind(data), at: blobs.add(data))
    }

    /// The number of elements from which a constant is in the file of constants, as coremltools has it.
    private static let leastInFile = 10

    private func proto(_ argument: Argument) -> MIL_Argument {
        let values: [GraphValue] =
            switch argument {
            case .value(let value): [value]
            case .values(let values): values
            case .int(let number): [literal("int", number, .ints([number], shape: []), .int32, [])]
            case .ints(let numbers):
                [literal("ints", numbers, .ints(numbers, shape: [numbers.count]), .int32, [numbers.count])]
            case .bool(let value): [literal("bool", value, .bools([value], shape: []), .bool, [])]
            case .bools(let values):
                [literal("bools", values, .bools(values, shape: [values.count]), .bool, [values.count])]
            case .float(let number, let dtype):
                [literal("float", "\(number) \(dtype)", .float(number, dtype), dtype, [])]
            case .string(let text): [literal("text", text, .string(text), .string, [])]
            }
        return MIL_Argument.with {
            $0.arguments = values.map { value in MIL_Argument.Binding.with { $0.name = value.name } }
        }
    }

    private func literal(
        _ name: String, _ content: Any, _ value: MIL_Value, _ dtype: MIL_DataType, _ shape: [Int]
    ) -> GraphValue {
        let key = "literal \(name) \(content)"
        if let value = made[key] { return value }
        let constant = constant(name, value, Kind(dtype: dtype, shape: shape))
        made[key] = constant
        return constant
    }

    /// Returns a name of letters, digits and underscores that no other value has.
    private func unusedName(_ wanted: String) -> String {
        var plain = String(
            wanted.unicodeScalars.map { scalar in
                scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                    ? Character(scalar) : "_"
            })
        if plain.first?.isNumber != false { plain = "_" + plain }
        var (name, number) = (plain, 1)
        while !names.insert(name).inserted {
            number += 1
            name = "\(plain)_\(number)"
        }
        return name
    }
}

/// The names of a classifier's outputs beside `logits`.
enum ClassOutputs {
    static let label = "classLabel"
    static let probabilities = "classLabel_probs"
}
