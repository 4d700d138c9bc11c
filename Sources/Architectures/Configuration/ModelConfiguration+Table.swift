import JSON
import Storage

/// What only static tables have in `config.json`.
extension ModelConfiguration {
    /// True for a static table: a vector for each token and no layers.
    public var isTable: Bool { !family.hasLayers }

    /// The token of unknown words, whose row of a table stays zero: `unk_token_id`; `nil` where the file does not say, and for other
    /// models.
    package var unknownToken: Int? { isTable ? reader.optional("unk_token_id")?.intValue : nil }

    /// True if a table is saved in float16, false for float32: `embedding_dtype`.
    package var storesHalfTable: Bool { reader.optional("embedding_dtype")?.stringValue == "float16" }

    /// The fields of a static table as they are saved: the original ones, updated with this value's.
    func tableJSON() -> JSONObject {
        var json = original
        json["model_type"] = .string(modelType)
        json["architectures"] = [.string(family.className(headKind))]
        json[family.fields.vocabSize.key] = .integer(vocabSize)
        json[family.fields.hiddenSize.key] = .integer(hiddenSize)
        json[family.fields.maxPositionEmbeddings.key] = .integer(maxPositionEmbeddings)
        json["embedding_dtype"] = storesHalfTable ? "float16" : "float32"
        json["classifier_hidden_size"] = classifierHiddenSize.map(JSONValue.integer)
        for key in ["id2label", "label2id", "problem_type", "num_labels"] { json[key] = nil }
        if headKind.hasLabels { writeLabels(to: &json) }
        return json
    }

    /// Reads the width of the layer before a table's classifier.
    static func classifierHiddenSize(_ reader: ConfigurationReader, _ family: ModelFamily) throws -> Int? {
        guard !family.hasLayers, reader.optional("classifier_hidden_size") != nil else { return nil }
        return try reader.integer("classifier_hidden_size", default: 1, in: 1...largestSize)
    }
}

/// The file of a static table's weights, as far as its beginning tells the sizes that `config.json` does not state.
enum StaticTableFile {
    /// A table's fields with its sizes; those of another model as they are.
    ///
    /// - Throws: ``ArchitectureError`` where the table's file is missing or is none; the errors of files that cannot be read.
    static func completing(_ object: JSONObject, in directory: String) throws -> JSONObject {
        guard object["model_type"]?.stringValue == ModelFamily.staticTable.modelType,
            object["vocab_size"] == nil || object["hidden_dim"] == nil
        else { return object }
        var json = object
        let shape = try shape(directory)
        json["vocab_size"] = .integer(shape.tokens)
        json["hidden_dim"] = .integer(shape.width)
        return json
    }

    /// The fields of a table that sentence-transformers saved, which have no file; `nil` for another directory.
    ///
    /// - Throws: As ``completing(_:in:)``.
    static func configuration(of directory: String) throws -> JSONObject? {
        guard SentenceTransformer.isDirectory(directory),
            case .table(let place) = try SentenceTransformer(contentsOf: directory).source
        else { return nil }
        let shape = try shape(place)
        return [
            "model_type": .string(ModelFamily.staticTable.modelType), "architectures": ["StaticModel"],
            "vocab_size": .integer(shape.tokens), "hidden_dim": .integer(shape.width),
            "embedding_dtype": "float32",
        ]
    }

    /// The largest header of a safetensors file that is read.
    private static let largestHeader = 100 << 20

    /// The number of tokens and of components, from the header of the table's file.
    private static func shape(_ directory: String) throws -> (tokens: Int, width: Int) {
        let path = directory.entry("model.safetensors")
        guard path.fileExists else {
            throw ArchitectureError("\(path): is missing; copy the whole directory of the model")
        }
        let file = try MappedFile(path)
        let bytes = file.bytes
        func wrong() -> ArchitectureError {
            ArchitectureError(
                "\(path): has no tensor '\(StaticNames.stored.model2vec)' or '\(StaticNames.stored.sentenceTransformers)' of two "
                    + "dimensions; copy the whole directory of the model")
        }
        guard bytes.count > 8 else { throw wrong() }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= min(UInt64(largestHeader), UInt64(bytes.count - 8)) else { throw wrong() }
        let header = UnsafeRawBufferPointer(rebasing: bytes[8..<8 + Int(length)])
        let tensors = try withExtendedLifetime(file) { try JSONValue.parse(header).objectValue }
        func shape(_ name: String) -> [Int]? {
            tensors?[name]?.objectValue?["shape"]?.arrayValue?.compactMap(\.intValue)
        }
        guard
            let table = shape(StaticNames.stored.sentenceTransformers) ?? shape(StaticNames.stored.model2vec),
            table.count == 2
        else { throw wrong() }
        return (shape("mapping")?.first ?? table[0], table[1])
    }
}
