import Files
import JSON

extension HubCache {
    /// Returns the files that a selection needs and a cached snapshot lacks; empty if the snapshot is complete.
    ///
    /// A kept listing decides. Without one a model's completeness follows from its own files, and other selections are
    /// taken as they are.
    ///
    /// - Parameters:
    ///   - strictly: True if files whose existence is unknown count as missing: while there is a network to ask.
    /// - Throws: ``HubError``.
    package func missing(_ selection: FileSelection, _ commit: String, strictly: Bool) throws -> [String] {
        let names = names(commit)
        let present = namesPresent(commit)
        switch selection.rule {
        case .file(let name):
            return has(name, commit) ? [] : [name]
        case .patterns:
            if let names {
                return try selection.choose(from: names, id: repository.id).filter { !has($0, commit) }
            }
            if strictly { return ["(unknown)"] }
            return try selection.choose(from: present, id: repository.id).filter { !has($0, commit) }
        case .data(_, let split):
            if let names {
                return try selection.choose(from: names, id: repository.id).filter { !has($0, commit) }
            }
            if strictly { return ["(unknown)"] }
            // A missing file may be the one that was meant.
            guard let chosen = try? selection.choose(from: present, id: repository.id) else {
                return ["the \(split.rawValue) data"]
            }
            return chosen.filter { !has($0, commit) }
        case .model:
            var missing: [String] = []
            if let names {
                missing = try selection.choose(from: names, id: repository.id).filter { !has($0, commit) }
            } else {
                if !has(FileSelection.configuration, commit) { missing.append(FileSelection.configuration) }
                let weights = [FileSelection.weights, FileSelection.index]
                if !weights.contains(where: { has($0, commit) }) { missing.append(FileSelection.weights) }
                if strictly {
                    missing += FileSelection.optional.filter {
                        !has($0, commit) && !Self.exists(absent($0, commit))
                    }
                }
            }
            if !has(FileSelection.weights, commit), has(FileSelection.index, commit) {
                missing += try shards(commit).filter { !has($0, commit) }
            }
            return missing
        }
    }

    /// The shards that a snapshot's index names.
    ///
    /// - Throws: ``HubError/cache(path:reason:)``.
    package func shards(_ commit: String) throws -> [String] {
        let url = pointer(FileSelection.index, commit)
        func refused(_ reason: String) -> HubError { .cache(path: url.path, reason: reason) }
        let value: JSONValue
        do { value = try JSONValue.load(contentsOf: url) } catch { throw refused("is no index: \(error)") }
        guard let map = value.objectValue?["weight_map"]?.objectValue else {
            throw refused("has no object 'weight_map'")
        }
        let names = map.values.map { $0.stringValue ?? "" }
        if let bad = names.first(where: { RepositoryPath.problem($0) != nil || !$0.hasSuffix(".safetensors") }
        ) {
            throw refused("names \(HubError.quoted(bad)), which is no safetensors file of the repository")
        }
        return Set(names).sorted()
    }
}
