import Files
import Foundation
import Storage
import Tokenizers
import Transformers

/// Models of adapters: base and adapters merged into a directory of the cache, which is then like any other model's.
public enum MergedAdapter {
    /// The cache's folder.
    static let folder = "merged"

    /// Returns the directory of a model: the same, or for PEFT's adapters that of the model with them.
    ///
    /// - Parameters:
    ///   - directory: A model's directory, or one of adapters.
    ///   - cache: Where merged models are kept.
    ///   - locate: Finds the base model by its name on the Hub.
    ///   - onMerge: Called with a note where a model is merged now.
    /// - Throws: `TransformersError` for adapters that do not fit; whatever is wrong with the files.
    public static func directory(
        for directory: URL, cache: CacheOptions = CacheOptions(), locate: (String) throws -> URL,
        onMerge: (String) -> Void = { _ in }
    ) throws -> URL {
        guard AdapterReader.isDirectory(directory) else { return directory }
        let reader = try AdapterReader(directory)
        let base = try base(of: reader, locate)
        let files = try TokenizerFiles(of: base)
        let tokenizer = hasTokenizer(directory) ? directory : files.directory
        let target = cache.root.appending(path: folder).appending(
            path: try key(directory, base, tokenizer, DigestMemo(root: cache.root)))
        remember(target, [directory, base])
        if isWhole(target, cache) { return target }
        onMerge("Merging the adapters of \(directory.path) with \(base.path) into \(target.path).")
        let model = try reader.model(base: base)
        let staged = try StagedDirectory(for: target, overwrite: true)
        try ModelWriter.save(model, to: staged.url)
        try withExtendedLifetime(files) {
            try OutputDirectory.copyTokenizer(from: tokenizer, to: staged.url)
        }
        try MergedRecord(of: staged.url, adapters: directory, base: base).write(to: staged.url)
        try staged.commit()
        return target
    }

    /// The directory, or the GGUF file, of the model that adapters are of.
    ///
    /// - Throws: ``DistillationError``, which names the field of the adapters' description, where there is none.
    private static func base(of reader: AdapterReader, _ locate: (String) throws -> URL) throws -> URL {
        func missing(_ reason: String) -> DistillationError {
            let file = reader.directory.appending(path: AdapterWriter.configurationName).path
            return DistillationError(
                "\(file): base_model_name_or_path names the model that the adapters are of, '\(reader.base)', which was not found: "
                    + "\(reason); give the field that model's directory, or its name on the Hub")
        }
        let base: URL
        do { base = try reader.localBase ?? locate(reader.base) } catch { throw missing("\(error)") }
        guard !AdapterReader.isDirectory(base) else {
            throw DistillationError(
                "\(reader.directory.path): its adapters are of adapters, \(base.path); merge these first")
        }
        guard AdapterReader.isModel(base) else {
            throw missing("\(base.path): is no model's directory (it has no config.json)")
        }
        return base
    }

    /// Returns true if a merged model is there as it was written. One that is damaged is merged anew.
    private static func isWhole(_ directory: URL, _ cache: CacheOptions) -> Bool {
        guard let record = MergedRecord(contentsOf: directory) else { return false }
        return record.problem(in: directory, memo: DigestMemo(root: cache.root)) == nil
    }

    private static func hasTokenizer(_ directory: URL) -> Bool {
        Tokenizer.fileNames.contains {
            FileManager.default.fileExists(atPath: directory.appending(path: $0).path)
        }
    }

    /// A digest of everything that decides the merged model.
    private static func key(_ directory: URL, _ base: URL, _ tokenizer: URL, _ memo: DigestMemo) throws
        -> String
    {
        var parts = [Version.current]
        for name in [AdapterWriter.configurationName, AdapterWriter.weightsName] {
            parts.append(try memo.sha256(ofFile: directory.appending(path: name)))
        }
        let labels = directory.appending(path: AdapterWriter.labelsName)
        if labels.fileExists { parts.append(try memo.sha256(ofFile: labels)) }
        parts += try ModelDigest.model(base, memo: memo).map { "\($0.name) \($0.sha256)" }
        parts += try ModelDigest.tokenizer(tokenizer, memo: memo).map { "\($0.name) \($0.sha256)" }
        return String(Digest.sha256(parts.joined(separator: "\n")).prefix(32))
    }
}
