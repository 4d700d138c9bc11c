import Files
import Foundation
import JSON

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
    /// - Returns: the files written.
    /// - Throws: ``SafetensorsError`` if an entry is not valid, `FileError` if writing fails.
    @discardableResult
    public static func writeSharded(
        _ entries: [Entry], toDirectory directory: URL, maximumShardBytes: Int = 5_000_000_000,
        metadata: [String: String] = ["format": "pt"]
    ) throws -> [URL] {
        let path = directory.path(percentEncoded: false)
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

        var written: [URL] = []
        var weightMap = JSONObject()
        for (index, shard) in shards.enumerated() {
            let name = shardName(index, of: shards.count)
            let url = directory.appending(path: name)
            try write(shard, metadata: metadata, to: url)
            written.append(url)
            for entry in shard { weightMap[entry.name] = .string(name) }
        }
        if shards.count > 1 {
            let index: JSONValue = [
                "metadata": ["total_size": .integer(totalSize)], "weight_map": .object(weightMap),
            ]
            let url = directory.appending(path: SafetensorsCheckpoint.indexFileName)
            try AtomicFile.write(index.serialized(pretty: true, sortedKeys: true) + "\n", to: url)
            written.append(url)
        }
        try removeStaleWeights(in: directory, keeping: Set(written.map(\.lastPathComponent)))
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
    private static func removeStaleWeights(in directory: URL, keeping written: Set<String>) throws {
        for url in try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
        {
            let name = url.lastPathComponent
            let isWeights =
                name == SafetensorsCheckpoint.fileName || name == SafetensorsCheckpoint.indexFileName
                || name.wholeMatch(of: /model-\d{5,}-of-\d{5,}\.safetensors/) != nil
            if isWeights, !written.contains(name) { try FileManager.default.removeItem(at: url) }
        }
    }
}
