/// The information in the name of a data set's file, by the rules of `datasets`.
enum DataName {
    /// Returns true for a byte that separates words in a name.
    private static func isSeparator(_ byte: UInt8) -> Bool { "-._ 0123456789".utf8.contains(byte) }

    private static let ignored = [
        "README.md", "config.json", "dataset_info.json", "dataset_infos.json", "dummy_data.zip",
        "dataset_dict.json",
    ]

    /// `csv`, `json` or `parquet`, compressed or not; `nil` for other files.
    static func format(_ name: String) -> String? {
        let parts = (name.split(separator: "/").last ?? "").lowercased().split(separator: ".")
        guard parts.count > 1, let last = parts.last else { return nil }
        let isPacked = last == "gz" && parts.count > 2
        switch isPacked ? parts[parts.count - 2] : last {
        case "csv": return "csv"
        case "tsv", "tab": return "tsv"
        case "json", "jsonl", "ndjson": return "json"
        case "parquet", "pq": return isPacked ? nil : "parquet"
        default: return nil
        }
    }

    /// Returns true if a file holds examples: one of a known format, neither hidden nor metadata of the data set.
    static func isData(_ name: String) -> Bool {
        let parts = name.split(separator: "/")
        return format(name) != nil && !parts.contains { $0.hasPrefix(".") }
            && !parts.dropLast().contains { $0.hasPrefix("__") }
            && !ignored.contains { parts.last?.elementsEqual($0) == true }
    }

    /// The folder of a file; empty at the top.
    static func folder(_ name: String) -> String {
        name.split(separator: "/").dropLast().joined(separator: "/")
    }

    /// The `train` of `data/train-00000-of-00004….parquet`.
    static func shardedSplit(_ name: String) -> String? {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "data", let shard = shard(String(parts[1])) else { return nil }
        return shard.before.isEmpty ? nil : shard.before
    }

    /// The parts of `before-00000-of-00004….parquet`.
    static func shard(_ name: String) -> (before: String, number: Int, count: Int)? {
        guard let match = name.wholeMatch(of: /(.*)-([0-9]{5})-of-([0-9]{5})[^\/]*\.[^\/]*/),
            let number = Int(match.output.2), let count = Int(match.output.3)
        else { return nil }
        return (String(match.output.1), number, count)
    }

    /// The folder that holds the first folder named by one of the words; `nil` where there is none.
    static func rootOfFolder(_ name: String, words: [String]) -> String? {
        let folders = name.split(separator: "/").dropLast()
        guard
            let place = folders.firstIndex(where: { folder in
                words.contains { has($0, in: folder, atEnd: true) }
            })
        else { return nil }
        return folders[..<place].joined(separator: "/")
    }

    /// The folder of a file that one of the words is in the name of; `nil` for another.
    static func rootOfFile(_ name: String, words: [String]) -> String? {
        guard let file = name.split(separator: "/").last,
            words.contains(where: { has($0, in: file, atEnd: false) })
        else { return nil }
        return folder(name)
    }

    /// Returns true if a name contains a word between separators, at its beginning or at its end.
    private static func has(_ word: String, in name: Substring, atEnd: Bool) -> Bool {
        let (name, word) = (Array(name.utf8), Array(word.utf8))
        guard name.count >= word.count else { return false }
        return (0...name.count - word.count).contains { start in
            let end = start + word.count
            return name[start..<end].elementsEqual(word) && (start == 0 || isSeparator(name[start - 1]))
                && (end == name.count ? atEnd : isSeparator(name[end]))
        }
    }
}
