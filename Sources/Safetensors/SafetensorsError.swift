import JSON

/// A reason why a safetensors file, or the index of a sharded checkpoint, could not be read or written.
public struct SafetensorsError: Error, Sendable, Equatable {
    /// The path of the file.
    public let file: String
    /// The tensor at fault, if it is one tensor's.
    public let tensor: String?
    /// The description of the problem, and the remedy.
    public let reason: String

    init(_ file: String, tensor: String? = nil, _ reason: String) {
        self.file = file
        self.tensor = tensor
        self.reason = reason
    }
}

extension SafetensorsError: CustomStringConvertible {
    public var description: String {
        "\(file): \(tensor.map { "tensor \(quoted($0)): " } ?? "")\(reason)"
    }
}

/// A name from a file in double quotes, with line breaks and the like escaped.
func quoted(_ name: String) -> String { JSONValue.string(name).serialized() }
