import JSON

/// A reason why a GGUF file could not be read, understood or written.
public struct GGUFError: Error, Sendable, Equatable {
    /// The part of a file that is at fault.
    public enum Place: Sendable, Equatable {
        /// A key of the metadata.
        case key(String)
        /// A tensor.
        case tensor(String)
    }

    /// The path of the file.
    public let file: String
    /// The key or the tensor at fault, if it is one.
    public let place: Place?
    /// The description of the problem, and the remedy.
    public let reason: String

    init(_ file: String, _ reason: String) {
        self.file = file
        place = nil
        self.reason = reason
    }

    init(_ file: String, key: String, _ reason: String) {
        self.file = file
        place = .key(key)
        self.reason = reason
    }

    init(_ file: String, tensor: String, _ reason: String) {
        self.file = file
        place = .tensor(tensor)
        self.reason = reason
    }
}

extension GGUFError: CustomStringConvertible {
    public var description: String {
        switch place {
        case .key(let key): "\(file): key \(quoted(key)): \(reason)"
        case .tensor(let tensor): "\(file): tensor \(quoted(tensor)): \(reason)"
        case nil: "\(file): \(reason)"
        }
    }
}

/// A name from a file in double quotes, with line breaks and the like escaped; the start of a very long one.
func quoted(_ name: String) -> String {
    let limit = 200
    guard name.utf8.count > limit else { return JSONValue.string(name).serialized() }
    return JSONValue.string(String(name.unicodeScalars.prefix(limit))).serialized() + "…"
}

/// A name as a dictionary key, compared by its UTF-8 bytes (Swift's strings compare by canonical equivalence, the format
/// does not).
struct ExactName: Hashable {
    let string: String

    init(_ string: String) { self.string = string }

    static func == (left: ExactName, right: ExactName) -> Bool {
        left.string.utf8.elementsEqual(right.string.utf8)
    }

    func hash(into hasher: inout Hasher) {
        var copy = string
        copy.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
