import Datasets
import Distillation
import Foundation
import HubStore

/// What a user names where data are wanted: a file, a pattern of files, a directory, or data on the Hub.
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
            var isDirectory: ObjCBool = false
            let isThere = FileManager.default.fileExists(atPath: text, isDirectory: &isDirectory)
            guard isThere, isDirectory.boolValue else { return URL(filePath: text) }
            let directory = URL(filePath: text, directoryHint: .isDirectory)
            return DataFiles.url(
                for: try split.files(in: names(below: text), of: text).map { directory.appending(path: $0) })
        } catch let error where error is HubError || error is HubProcessError {
            throw DistillationError("\(error)")
        }
    }

    /// The paths of all files below a directory, relative to it.
    private static func names(below directory: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
        return names.filter { name in
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(directory)/\(name)", isDirectory: &isDirectory)
                && !isDirectory.boolValue
        }
    }
}
