import Foundation
import Safetensors

extension MILBuilder.Kind {
    init(_ data: TensorData) { self.init(dtype: data.dtype.mil, shape: data.shape) }

    var proto: MIL_ValueType {
        MIL_ValueType.with { type in
            type.tensorType.dataType = dtype
            type.tensorType.rank = Int64(shape.count)
            type.tensorType.dimensions = shape.map { size in
                MIL_Dimension.with { dimension in
                    if let size {
                        dimension.constant.size = UInt64(size)
                    } else {
                        dimension.unknown.variadic = false
                    }
                }
            }
        }
    }
}

extension MIL_Value {
    private init(_ kind: MILBuilder.Kind, _ fill: (inout MIL_TensorValue) -> Void) {
        self.init()
        type = kind.proto
        fill(&immediateValue.tensor)
    }

    static func string(_ text: String) -> MIL_Value {
        MIL_Value(.init(dtype: .string, shape: [])) { $0.strings.values = [text] }
    }

    static func ints(_ numbers: [Int], shape: [Int]) -> MIL_Value {
        MIL_Value(.init(dtype: .int32, shape: shape)) { $0.ints.values = numbers.map(Int32.init) }
    }

    static func bools(_ values: [Bool], shape: [Int]) -> MIL_Value {
        MIL_Value(.init(dtype: .bool, shape: shape)) { $0.bools.values = values }
    }

    static func float(_ number: Float, _ dtype: MIL_DataType) -> MIL_Value {
        MIL_Value(.init(dtype: dtype, shape: [])) { tensor in
            if dtype == .float16 {
                tensor.bytes.values = Data(FloatBytes.encode([number], as: .float16))
            } else {
                tensor.floats.values = [number]
            }
        }
    }

    static func floats(_ numbers: [Float]) -> MIL_Value {
        MIL_Value(.init(dtype: .float32, shape: [numbers.count])) { $0.floats.values = numbers }
    }

    /// A list of texts.
    static func strings(_ texts: [String]) -> MIL_Value {
        MIL_Value.with { value in
            value.type.listType.type = MILBuilder.Kind(dtype: .string, shape: []).proto
            value.type.listType.length.constant.size = UInt64(texts.count)
            value.immediateValue.list.values = texts.map(MIL_Value.string)
        }
    }

    /// A tensor within the program.
    static func immediate(_ data: TensorData) throws -> MIL_Value {
        var value = MIL_Value(.init(data)) { _ in }
        try data.withBytes { bytes in
            if data.dtype == .float32 {
                value.immediateValue.tensor.floats.values = FloatBytes.decode(bytes, as: .float32)
            } else {
                value.immediateValue.tensor.bytes.values = Data(bytes)
            }
        }
        return value
    }

    /// A tensor in the file of constants.
    static func inFile(_ kind: MILBuilder.Kind, at place: Int) -> MIL_Value {
        MIL_Value.with { value in
            value.type = kind.proto
            value.blobFileValue.fileName = "@model_path/weights/\(CoreMLPackage.weightsName)"
            value.blobFileValue.offset = UInt64(place)
        }
    }
}

extension SafetensorsDType {
    fileprivate var mil: MIL_DataType {
        switch self {
        case .float16: .float16
        case .int8: .int8
        case .int32: .int32
        default: .float32
        }
    }
}
