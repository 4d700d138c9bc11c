import JSON
import Storage

extension ModelConfiguration {
    /// Reads `config.json` of a model directory.
    ///
    /// - Parameter directory: The model's directory.
    /// - Throws: ``ArchitectureError`` where there is no such file or a field cannot be honoured; `JSONError`
    ///   where it is not JSON.
    public init(contentsOf directory: some FileLocation) throws {
        let path = directory.plainPath
        switch FileKind(path) {
        case .missing:
            throw ArchitectureError(
                "\(path): no such directory; give a model directory in Hugging Face format")
        case .regular where path.lowercased().hasSuffix(".gguf"):
            throw ArchitectureError(
                "\(path): is a GGUF file, which holds a language model and is not read here; write texts with it by `distill generate` or "
                    + "distill-run, or give a model directory in Hugging Face format, with config.json and model.safetensors"
            )
        case .regular, .other:
            throw ArchitectureError("\(path): is a file; give a model directory in Hugging Face format")
        case .directory: break
        }
        let file = directory.entry("config.json")
        guard file.fileExists else {
            // sentence-transformers gives static tables none.
            if let json = try StaticTableFile.configuration(of: path) {
                try self.init(json: json, source: path)
                return
            }
            guard !directory.entry("adapter_config.json").fileExists else {
                throw ArchitectureError(
                    "\(path): holds PEFT's adapters (adapter_config.json) and no model; the commands of `distill` merge them with their "
                        + "base, `distill finetune` and `distill run` save models with their adapters merged, and PEFT merges with "
                        + "merge_and_unload; give the merged model's directory")
            }
            throw ArchitectureError(
                "\(path): has no config.json; give a model directory in Hugging Face format")
        }
        let value = try JSONValue.load(contentsOf: file, dialect: .python)
        guard let object = value.objectValue else {
            throw ArchitectureError("\(file): must be a JSON object, not \(value.typeName)")
        }
        try self.init(json: StaticTableFile.completing(object, in: path), source: file)
    }
}
