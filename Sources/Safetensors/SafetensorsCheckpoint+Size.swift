import Foundation

extension SafetensorsCheckpoint {
    /// The bytes of all safetensors files in a directory, or of a model that is one file; 0 where it cannot be read.
    public static func weightBytes(in directory: URL) -> Int {
        func size(_ file: URL) -> Int {
            let attributes = try? FileManager.default.attributesOfItem(
                atPath: file.resolvingSymlinksInPath().path)
            return (attributes?[.size] as? Int) ?? 0
        }
        var isDirectory = ObjCBool(false)
        if FileManager.default.fileExists(atPath: directory.path, isDirectory: &isDirectory),
            !isDirectory.boolValue
        {
            return size(directory)
        }
        let files =
            (try? FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil))
            ?? []
        return files.filter { $0.pathExtension == "safetensors" }.reduce(0) { $0 + size($1) }
    }
}
