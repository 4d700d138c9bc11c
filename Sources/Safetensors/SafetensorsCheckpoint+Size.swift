import Storage

extension SafetensorsCheckpoint {
    /// The bytes of all safetensors files in a directory, or of a model that is one file; 0 where it cannot be read.
    ///
    /// - Parameter directory: The model's directory or file.
    public static func weightBytes(in directory: some FileLocation) -> Int {
        switch FileKind(directory) {
        case .missing: return 0
        case .regular, .other: return FileSystem.size(of: directory) ?? 0
        case .directory: break
        }
        let files = ((try? FileSystem.names(in: directory)) ?? []).filter {
            $0.hasSuffix(".safetensors") && $0 != ".safetensors"
        }
        return files.reduce(0) { $0 + (FileSystem.size(of: directory.entry($1)) ?? 0) }
    }
}
