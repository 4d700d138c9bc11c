import Distillation
import Files
import Foundation
import HubStore

/// A user's name for a model: a directory, or `org/name` or `org/name@revision` on the Hub.
enum ModelReference {
    /// The model's directory; PEFT's adapters are merged with the model that they are of, into a directory of the cache.
    ///
    /// - Throws: as ``place(of:quiet:)``; `DistillationError` for adapters whose model is not found, `TransformersError` for those that do
    ///   not fit it.
    static func directory(
        _ text: String, cache: CacheOptions = CacheOptions(), quiet: Bool = false
    ) throws -> URL {
        try MergedAdapter.directory(
            for: place(of: text, quiet: quiet), cache: cache, locate: { try place(of: $0, quiet: quiet) },
            onMerge: { if !quiet { Terminal.error($0) } })
    }

    /// The model's directory; what is on the Hub is fetched into the cache first, where it is not there yet.
    ///
    /// A directory that exists always wins. Only a name with one slash counts as the Hub's; all else is a path, whether
    /// there is one or not.
    ///
    /// - Throws: `DistillationError`, which names both readings, where it is neither here nor on the Hub, and the Hub's name
    ///   of a model that is known without its owner.
    private static func place(of text: String, quiet: Bool) throws -> URL {
        guard text.split(separator: "@", maxSplits: 1)[0...].first?.filter({ $0 == "/" }).count == 1,
            case .repository(let repository)? = try? HubReference.parse(text)
        else {
            if let name = fullName(of: text), !FileManager.default.fileExists(atPath: text) {
                throw DistillationError(
                    "there is no directory '\(text)'; the Hub has that model as \(name), so name it so")
            }
            return URL(filePath: text)
        }
        do {
            return try HubSource.snapshot(of: repository, quiet: quiet)
        } catch let error where error is HubError || error is HubProcessError {
            throw DistillationError("there is no directory '\(text)', and on the Hub: \(error)")
        }
    }
}
