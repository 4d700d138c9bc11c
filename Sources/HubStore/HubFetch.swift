import Foundation

/// A request of the program `distill` to `distill-hub`, which has the network client: one line of JSON on its standard
/// input.
///
/// The response is lines of ``HubFetch/Message`` on its standard output, the last of them a snapshot or a failure. When
/// the input ends, the requesting process is gone, and `distill-hub` ends too.
package struct HubFetch: Codable, Sendable, Equatable {
    /// The protocol's version, which grows with every change: programs of two builds do not understand each other.
    package static let currentVersion = 1

    package var version = Self.currentVersion
    /// The cache's directory; all else about the Hub is in the environment, which both share.
    package var cache: String
    private var kind: String
    private var id: String
    private var revision: String
    private var selection: Selection

    private enum Selection: Codable, Equatable {
        case model
        case file(String)
        case patterns([String])
        case data(path: String, split: String)
    }

    package init(_ repository: HubRepository, _ files: FileSelection, cache: URL) {
        self.cache = cache.path
        kind = repository.kind.rawValue
        id = repository.id
        revision = repository.revision
        selection =
            switch files.rule {
            case .model: .model
            case .file(let name): .file(name)
            case .patterns(let patterns): .patterns(patterns)
            case .data(let reference, let split): .data(path: reference.path, split: split.rawValue)
            }
    }

    /// The repository that is meant.
    ///
    /// - Throws: ``HubError/invalidName(_:reason:)``.
    package var repository: HubRepository {
        get throws {
            guard let kind = HubRepository.Kind(rawValue: kind) else {
                throw HubError.invalidName(id, reason: "is of no known kind")
            }
            return try HubRepository(id, kind: kind, revision: revision)
        }
    }

    /// The files that are meant.
    ///
    /// - Throws: ``HubError/invalidName(_:reason:)``.
    package var files: FileSelection {
        get throws {
            switch selection {
            case .model: return .model
            case .file(let name): return FileSelection(rule: .file(name))
            case .patterns(let patterns): return FileSelection(rule: .patterns(patterns))
            case .data(let path, let split):
                guard let split = DataSplit(rawValue: split) else {
                    throw HubError.invalidName(split, reason: "is no split")
                }
                return .data(HubDataReference(repository: try repository, path: path), split: split)
            }
        }
    }

    /// A line of the response.
    package enum Message: Codable, Sendable, Equatable {
        case warning(String)
        case progress(HubProgress)
        /// The snapshot's directory.
        case snapshot(String)
        /// The reason why there is none, in a line.
        case failure(String)

        package init(_ event: HubEvent) {
            switch event {
            case .warning(let text): self = .warning(text)
            case .progress(let progress): self = .progress(progress)
            }
        }

        /// The event, if the message is not the last one.
        package var event: HubEvent? {
            switch self {
            case .warning(let text): .warning(text)
            case .progress(let progress): .progress(progress)
            case .snapshot, .failure: nil
            }
        }
    }

    /// A line without its end. JSON has no line ends of its own within it.
    package static func line(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// Decodes a line; `nil` if it is not a value of the type.
    package static func read<Value: Decodable>(_ type: Value.Type, _ line: String) -> Value? {
        try? JSONDecoder().decode(type, from: Data(line.utf8))
    }
}
