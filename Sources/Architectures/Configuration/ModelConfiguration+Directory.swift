import Foundation
import JSON

extension ModelConfiguration {
    /// Reads `config.json` of a model directory.
    ///
    /// - Throws: ``ArchitectureError`` where there is no such file or a field cannot be honoured; `JSONError`
    ///   where it is not JSON.
    public init(contentsOf directory: URL) throws {
        let path = directory.plainPath
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw ArchitectureError(
                "\(path): no such directory; give a model directory in Hugging Face format")
        }
        guard isDirectory.boolValue else {
            throw ArchitectureError("\(path): is a file; give a model directory in Hugging Face format")
        }
        let file = directory.appending(path: "config.json")
        guard file.fileExists else {
            throw ArchitectureError(
                "\(path): has no config.json; give a model directory in Hugging Face format")
        }
        let value = try JSONValue.load(contentsOf: file, dialect: .python)
        guard let object = value.objectValue else {
            throw ArchitectureError("\(file.plainPath): must be a JSON object, not \(value.typeName)")
        }
        try self.init(json: object, source: file.plainPath)
    }
}
