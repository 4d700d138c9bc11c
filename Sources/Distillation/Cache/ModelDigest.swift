import ChatTemplates
import Files
import Foundation
import Safetensors
import Tokenizers
import Transformers

/// The digests of a model directory's files, by name.
package enum ModelDigest {
    /// The digests of the files that decide how texts are encoded.
    static func tokenizer(_ directory: URL, memo: DigestMemo) throws -> [(name: String, sha256: String)] {
        try digests(textFiles(directory), in: directory, memo)
    }

    /// The digests of the files that decide what a model computes: configuration, weights, tokenizer.
    ///
    /// - Parameter directory: A model's directory, or a GGUF file.
    package static func model(_ directory: URL, memo: DigestMemo) throws -> [(name: String, sha256: String)] {
        if AutoModel.isGGUF(directory) {
            return [(directory.lastPathComponent, try memo.sha256(ofFile: directory))]
        }
        let all = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        let weights = all.filter {
            $0.hasSuffix(".safetensors") || $0.hasSuffix(".safetensors.index.json")
        }
        let own = try digests(
            ["config.json"] + weights.sorted() + textFiles(directory) + moduleFiles(directory), in: directory,
            memo)
        // A static table, which is one of the modules, may have its tokenizer in its own folder.
        let place = try TokenizerFiles.place(of: directory)
        guard place != directory else { return own }
        return try own
            + digests(textFiles(place), in: place, memo).map {
                ("\(place.lastPathComponent)/\($0.name)", $0.sha256)
            }
    }

    /// The files of a sentence-transformers directory's modules behind its encoder, which decide a text's vector too.
    private static func moduleFiles(_ directory: URL) -> [String] {
        guard SentenceTransformer.isDirectory(directory),
            let modules = try? SentenceTransformer(contentsOf: directory)
        else { return [] }
        let root = modules.path.hasSuffix("/") ? modules.path : modules.path + "/"
        let manager = FileManager.default
        let folders = (try? manager.contentsOfDirectory(atPath: root))?.sorted() ?? []
        let files = folders.flatMap { folder in
            ((try? manager.contentsOfDirectory(atPath: root + folder)) ?? []).sorted().filter {
                $0 == "config.json" || $0.hasSuffix(".safetensors")
            }.map { "\(folder)/\($0)" }
        }
        return [SentenceTransformer.fileName] + files
    }

    /// The files that decide a text's tokens.
    private static func textFiles(_ directory: URL) -> [String] {
        Tokenizer.fileNames + ChatTemplates.fileNames(in: directory)
    }

    private static func digests(
        _ names: [String], in directory: URL, _ memo: DigestMemo
    ) throws -> [(name: String, sha256: String)] {
        try names.compactMap { name in
            let url = directory.appending(path: name)
            guard FileManager.default.fileExists(atPath: url.path) else { return nil }
            return (name, try memo.sha256(ofFile: url))
        }
    }
}
