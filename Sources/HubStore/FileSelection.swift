import Foundation

/// A selection of a repository's files.
public struct FileSelection: Sendable, Equatable {
    package enum Rule: Sendable, Equatable {
        case model
        case file(String)
        case patterns([String])
        case data(HubDataReference, DataSplit)
    }

    package let rule: Rule

    package init(rule: Rule) { self.rule = rule }

    /// The files that a classifier needs: `config.json`, the tokenizer's files, and `model.safetensors` or its shards.
    public static let model = FileSelection(rule: .model)

    /// Data files: those that match a pattern, or every one.
    ///
    /// - Parameter patterns: as for ``matching(_:)``, such as `data/train-*`; none for all.
    public static func data(_ patterns: [String] = []) -> FileSelection {
        patterns.isEmpty
            ? .matching(["csv", "tsv", "json", "jsonl", "parquet"].flatMap { ["*.\($0)", "*.\($0).gz"] })
            : .matching(patterns)
    }

    /// Files by name or by shell patterns, in which `*` also matches slashes, as in huggingface_hub.
    public static func matching(_ patterns: [String]) -> FileSelection {
        FileSelection(rule: .patterns(patterns.map { $0.hasSuffix("/") ? $0 + "*" : $0 }))
    }

    /// The data that a reference and a split mean.
    public static func data(_ reference: HubDataReference, split: DataSplit) -> FileSelection {
        FileSelection(rule: .data(reference, split))
    }

    static let configuration = "config.json"
    static let weights = "model.safetensors"
    package static let index = "model.safetensors.index.json"
    /// The files that a commit may lack.
    package static let optional = [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "vocab.txt", "vocab.json",
        "merges.txt",
    ]

    package static func isPickle(_ name: String) -> Bool {
        [".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"].contains { name.lowercased().hasSuffix($0) }
    }

    static func matches(_ name: String, _ pattern: String) -> Bool {
        fnmatch(pattern, name, FNM_NOESCAPE) == 0
    }

    /// Returns true if a path matches a pattern by fsspec's rules: `*` stays within a folder, `**` does not.
    static func matchesPath(_ name: String, _ pattern: String) -> Bool {
        if pattern.contains("**") {
            // `a/**/b` is also `a/b`.
            return matches(name, pattern) || matches(name, pattern.replacing("**/", with: ""))
        }
        return fnmatch(pattern, name, FNM_NOESCAPE | FNM_PATHNAME) == 0
    }

    /// The files to take, but for shards, which the index names.
    ///
    /// - Throws: ``HubError``.
    package func choose(from names: [String], id: String) throws -> [String] {
        let there = Set(names)
        switch rule {
        case .model:
            guard there.contains(Self.configuration) else {
                throw HubError.nothingSelected(id: id, wanted: "config.json, so it is no transformers model")
            }
            let weights = [Self.weights, Self.index].first { there.contains($0) }
            guard let weights else {
                let pickles = names.filter(Self.isPickle)
                throw pickles.isEmpty
                    ? HubError.nothingSelected(id: id, wanted: "model.safetensors")
                    : HubError.pickle(id: id, files: pickles)
            }
            return [Self.configuration, weights] + Self.optional.filter(there.contains)
        case .file(let name):
            if Self.isPickle(name) { throw HubError.pickle(id: id, files: [name]) }
            guard there.contains(name) else { throw HubError.nothingSelected(id: id, wanted: "file \(name)") }
            return [name]
        case .data(let reference, let split): return try reference.files(among: names, split: split)
        case .patterns(let patterns):
            if let named = names.first(where: { Self.isPickle($0) && patterns.contains($0) }) {
                throw HubError.pickle(id: id, files: [named])
            }
            let matching = names.filter { name in patterns.contains { Self.matches(name, $0) } }
            let safe = matching.filter { !Self.isPickle($0) }
            if safe.isEmpty {
                throw matching.isEmpty
                    ? HubError.nothingSelected(
                        id: id, wanted: "file that matches \(patterns.joined(separator: ", "))")
                    : HubError.pickle(id: id, files: matching)
            }
            return safe
        }
    }
}
