import Datasets
import Files
import Foundation
import HubStore

/// A locator of the models and data that settings name, where a name may be more than a path.
public struct ResourceLocator: Sendable {
    /// The directory of a model; one that is made, as of adapters, is in the cache.
    let model: @Sendable (_ name: String, _ cache: CacheOptions) throws -> URL
    /// The name for `Datasets` of the data of a split.
    let data: @Sendable (_ name: String, _ split: DataSplit) throws -> URL

    /// Creates a locator.
    ///
    /// - Parameters:
    ///   - model: Returns the directory of a model; one that it makes is to be in the cache that the settings name.
    ///   - data: Returns the data's name for `Datasets`: a file, or several by `DataFiles.url(for:)`.
    public init(
        model: @escaping @Sendable (_ name: String, _ cache: CacheOptions) throws -> URL,
        data: @escaping @Sendable (_ name: String, _ split: DataSplit) throws -> URL
    ) {
        self.model = model
        self.data = data
    }

    /// The locator of paths as they are; for data also of patterns, and of directories, in which a split's files are found by
    /// their names.
    public static let local = ResourceLocator(model: { name, _ in URL(filePath: name) }, data: localData)

    /// The data's name for `Datasets`.
    ///
    /// - Parameters:
    ///   - text: A path or pattern, or a directory.
    ///   - split: The split whose files are wanted.
    /// - Throws: ``DistillationError`` where the directory has no such files.
    @Sendable package static func localData(_ text: String, split: DataSplit) throws -> URL {
        var isDirectory: ObjCBool = false
        let isThere = FileManager.default.fileExists(atPath: text, isDirectory: &isDirectory)
        guard isThere, isDirectory.boolValue else { return URL(filePath: text) }
        let directory = URL(filePath: text, directoryHint: .isDirectory)
        do {
            return DataFiles.url(
                for: try split.files(in: names(below: text), of: text).map { directory.appending(path: $0) })
        } catch let error as HubError {
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
