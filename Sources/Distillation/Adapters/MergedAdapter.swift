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
        let base: URL
        do { base = try reader.localBase ?? locate(reader.base) } catch {
            throw DistillationError(
                "\(directory.path): its adapters are of the model '\(reader.base)' (base_model_name_or_path of "
                    + "\(AdapterWriter.configurationName)), which was not found: \(error)")
        }
        guard !AdapterReader.isDirectory(base) else {
            throw DistillationError(
                "\(directory.path): its adapters are of adapters, \(base.path); merge these first")
        }
        let files = try TokenizerFiles(of: base)
        let tokenizer = hasTokenizer(directory) ? directory : files.directory
        let target = cache.root.appending(path: folder).appending(
            path: try key(directory, base, tokenizer, DigestMemo(root: cache.root)))
        if FileManager.default.fileExists(atPath: target.appending(path: "config.json").path) {
            return target
        }
        onMerge("Merging the adapters of \(directory.path) with \(base.path) into \(target.path).")
        let model = try reader.model(base: base)
        let staged = try StagedDirectory(for: target, overwrite: true)
        try ModelWriter.save(model, to: staged.url)
        try withExtendedLifetime(files) {
            try OutputDirectory.copyTokenizer(from: tokenizer, to: staged.url)
        }
        try staged.commit()
        return target
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
        parts += try ModelDigest.model(base, memo: memo).map { "\($0.name) \($0.sha256)" }
        parts += try ModelDigest.tokenizer(tokenizer, memo: memo).map { "\($0.name) \($0.sha256)" }
        return String(Digest.sha256(parts.joined(separator: "\n")).prefix(32))
    }
}
