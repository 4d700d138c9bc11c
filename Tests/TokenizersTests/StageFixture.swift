import Foundation
import JSON

@testable import Tokenizers

/// SentencePiece's map of characters, which several fixtures share: `@charsmap` stands for it.
enum StageFixture {
    static let charsmap = Result {
        try String(contentsOf: FamilyTests.directory.appending(path: "charsmap.txt"), encoding: .utf8)
    }

    /// A value with the map where it is named.
    static func withCharsmap(_ value: JSONValue) throws -> JSONValue {
        switch value {
        case .string("@charsmap"): return .string(try charsmap.get())
        case .array(let elements): return .array(try elements.map(withCharsmap))
        case .object(let object):
            var changed = object
            for (key, value) in object {
                switch value {
                case .string("@charsmap"), .array, .object: changed[key] = try withCharsmap(value)
                default: break
                }
            }
            return .object(changed)
        default: return value
        }
    }

    static func precompiled() throws -> Precompiled {
        let value: JSONValue = .object(["precompiled_charsmap": .string(try charsmap.get())])
        return try Precompiled(StageConfiguration(file: "charsmap", value: value))
    }
}
