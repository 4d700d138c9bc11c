import Datasets
import Distillation
import Foundation
import HubStore

/// A user's name for data: a file, a pattern of files, a directory, or data on the Hub.
enum DataReference {
    /// The data's name for `Datasets`; what is on the Hub is fetched into the cache first, where it is not there yet.
    ///
    /// - Parameters:
    ///   - text: A path or pattern as it is; a directory, in which a split's files are found by their names; or
    ///     `hf://datasets/org/name@revision`, with or without a path behind it.
    ///   - split: The split that the option means.
    ///   - quiet: Whether no bar is drawn.
    /// - Throws: `DistillationError` where the Hub or the directory has no such data.
    static func url(_ text: String, split: DataSplit, quiet: Bool = false) throws -> URL {
        do {
            if let reference = try HubDataReference.parse(text) {
                return DataFiles.url(for: try HubSource.data(of: reference, split: split, quiet: quiet))
            }
            return try ResourceLocator.localData(text, split: split)
        } catch let error where error is HubError || error is HubProcessError {
            throw DistillationError("\(error)")
        }
    }
}

extension ResourceLocator {
    /// Models and data as the command line takes them: local ones, and those of the Hub.
    static let commandLine = ResourceLocator(
        model: { try ModelReference.directory($0, cache: $1) },
        data: { try DataReference.url($0, split: $1) })
}
