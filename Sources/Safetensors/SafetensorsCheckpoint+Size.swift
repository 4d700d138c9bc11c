import Foundation

extension SafetensorsCheckpoint {
    /// The bytes of all safetensors files in a directory; 0 where it cannot be read.
    public static func weightBytes(in directory: URL) -> Int {
        let files =
            (try? FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil))
            ?? []
        return files.filter { $0.pathExtension == "safetensors" }.reduce(0) { sum, file in
            let attributes = try? FileManager.default.attributesOfItem(
                atPath: file.resolvingSymlinksInPath().path)
            return sum + ((attributes?[.size] as? Int) ?? 0)
        }
    }
}
