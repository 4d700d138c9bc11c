import JSON
import Storage

extension SafetensorsWriter {
    /// Writes a model to a directory: `model.safetensors` if it fits, else shards
    /// `model-00001-of-0000N.safetensors` with `model.safetensors.index.json`.
    ///
    /// The tensors are dealt out in the order given, as `huggingface_hub` does; a tensor larger than the
    /// limit gets a shard of its own. Weights of an earlier save that the new files do not replace are
    /// removed.
    ///
    /// - Parameters:
    ///   - entries: the tensors.
    ///   - directory: the output directory; it must exist.
    ///   - maximumShardBytes: the most bytes of tensors per file, 5 GB as in transformers.
    ///   - metadata: texts for each file's header.
    /// - Returns: the paths of the files written.
    /// - Throws: ``SafetensorsError`` if an entry is not valid, `FileError` if writing fails.
    @discardableResult
    public static func writeSharded(
        _ entries: [Entry], toDirectory directory: some FileLocation, maximumShardBytes: Int = 5_000_000_000,
        metadata: [String: String] = ["format": "pt"]
    ) throws -> [String] {
        let path = directory.filePath
        var totalSize = 0
        var names = Set<TensorName>()
        for entry in entries {
            guard names.insert(TensorName(entry.name)).inserted else {
                throw SafetensorsError(path, tensor: entry.name, "occurs twice")
            }
            let (sum, overflow) = totalSize.addingReportingOverflow(try byteCount(entry, path: path))
            if overflow { throw SafetensorsError(path, tensor: entry.name, "the model would be too large") }
            totalSize = sum
        }
        let shards = try split(entries, maximumShardBytes: maximumShardBytes, path: path)

        var written: [String] = []
        var weightMap = JSONObject()
        for (index, shard) in shards.enumerated() {
            let name = shardName(index, of: shards.count)
            let file = directory.entry(name)
            try write(shard, metadata: metadata, to: file)
            written.append(file)
            for entry in shard { weightMap[entry.name] = .string(name) }
        }
        if shards.count > 1 {
            let index: JSONValue = [
                "metadata": ["total_size": .integer(totalSize)], "weight_map": .object(weightMap),
            ]
            let file = directory.entry(SafetensorsCheckpoint.indexFileName)
            try AtomicFile.write(index.serialized(pretty: true, sortedKeys: true) + "\n", to: file)
            written.append(file)
        }
        try removeStaleWeights(in: directory, keeping: Set(written.map(\.fileName)))
        return written
    }

    private static func split(
        _ entries: [Entry], maximumShardBytes: Int, path: String
    ) throws -> [[Entry]] {
        var shards: [[Entry]] = []
        var current: [Entry] = []
        var currentBytes = 0
        for entry in entries {
            let bytes = try byteCount(entry, path: path)
            if bytes > maximumShardBytes {
                shards.append([entry])
                continue
            }
            if bytes > maximumShardBytes - currentBytes {
                shards.append(current)
                (current, currentBytes) = ([], 0)
            }
            current.append(entry)
            currentBytes += bytes
        }
        if !current.isEmpty || shards.isEmpty { shards.append(current) }
        return shards
    }

    private static func shardName(_ index: Int, of count: Int) -> String {
        guard count > 1 else { return SafetensorsCheckpoint.fileName }
        func padded(_ number: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
        }
        return "model-\(padded(index + 1))-of-\(padded(count)).safetensors"
    }

    /// A reader would take an old `model.safetensors` for the new model.
    private static func removeStaleWeights(
        in directory: some FileLocation, keeping written: Set<String>
    ) throws {
        for name in try FileSystem.names(in: directory) where !written.contains(name) {
            let isWeights =
                name == SafetensorsCheckpoint.fileName || name == SafetensorsCheckpoint.indexFileName
                || isShardName(name)
            if isWeights { try FileSystem.remove(directory.entry(name)) }
        }
    }

    /// Returns true for `model-00001-of-00003.safetensors` and the like.
    static func isShardName(_ name: String) -> Bool {
        let (prefix, suffix) = ("model-", ".safetensors")
        guard name.hasPrefix(prefix), name.hasSuffix(suffix), name.utf8.count > prefix.count + suffix.count
        else { return false }
        let parts = name.dropFirst(prefix.count).dropLast(suffix.count).split(
            separator: "-", omittingEmptySubsequences: false)
        func isNumber(_ part: Substring) -> Bool {
            part.utf8.count >= 5 && part.utf8.allSatisfy { $0 &- UInt8(ascii: "0") <= 9 }
        }
        return parts.count == 3 && parts[1] == "of" && isNumber(parts[0]) && isNumber(parts[2])
    }
}
