/// A split of a data set: for training, for validation (model selection), or for testing.
public enum DataSplit: String, CaseIterable, Sendable {
    case train, validation, test

    /// The words by which files of a split are named, the most usual first, as in `datasets`' data_files.py.
    var keywords: [String] {
        switch self {
        case .train: ["train", "training"]
        case .validation: ["validation", "valid", "dev", "val"]
        case .test: ["test", "testing", "eval", "evaluation"]
        }
    }
}

extension DataSplit {
    /// A reason why no files could be selected. Its description includes the remedy.
    public enum Problem: Error, Equatable, Sendable {
        /// No file belongs to the split; with the data files that there are.
        case none(DataSplit, there: [String])
        /// The split is in several folders, which hold different data sets.
        case folders(DataSplit, [String])
        /// The split's files are of several formats.
        case formats(DataSplit, [String])
        /// Of shards numbered `…-00000-of-00004` some are missing.
        case shards(file: String, there: Int, of: Int)
    }

    /// The files of the split in a directory that the user named; see ``files(among:isFolderNamed:)``.
    ///
    /// - Parameters:
    ///   - names: Paths below the directory, with slashes.
    ///   - what: The directory, for the error.
    /// - Returns: At least one name, in byte order.
    /// - Throws: ``HubError/data(source:reason:)``.
    public func files(in names: [String], of what: String) throws -> [String] {
        do { return try files(among: names, isFolderNamed: true) } catch let problem as Problem {
            throw HubError.data(source: what, reason: problem.description)
        }
    }

    /// The files of the split among a data set's files, by the rules of `datasets`.
    ///
    /// First `data/train-00000-of-00004….parquet` and the like; then folders, then files with a word for a split in their
    /// names, such as `train/a.jsonl`, `my_train.csv` or `dev.csv`, where the first kind that there is for any split
    /// counts. If no file names a split, all are for training. Hidden files, and those of other kinds than data, do not
    /// count.
    ///
    /// - Parameters:
    ///   - names: Paths in the repository or directory, with slashes.
    ///   - isFolderNamed: True if the user named the folder: then files whose names tell no split are of any split.
    /// - Returns: At least one name, in byte order.
    /// - Throws: ``Problem``.
    public func files(among names: [String], isFolderNamed: Bool = false) throws -> [String] {
        let data = names.filter(DataName.isData).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let (chosen, roots) = select(data, isFolderNamed)
        guard !chosen.isEmpty else { throw Problem.none(self, there: data) }
        let folders = Set(roots).sorted()
        guard folders.count == 1 else { throw Problem.folders(self, folders) }
        guard Set(chosen.map(DataName.format)).count == 1 else { throw Problem.formats(self, chosen) }
        try Self.checkShards(chosen)
        return chosen
    }

    /// The split's files, and the folder below which each name shows its split.
    private func select(_ data: [String], _ isFolderNamed: Bool) -> (files: [String], roots: [String]) {
        let shards = data.compactMap { name in DataName.shardedSplit(name).map { (name, $0) } }
        if !shards.isEmpty {
            let word = keywords.first { word in shards.contains { $0.1 == word } }
            let files = shards.filter { $0.1 == word }.map(\.0)
            return (files, files.map { _ in "data" })
        }
        for rule in [DataName.rootOfFolder, DataName.rootOfFile] {
            func matching(_ split: DataSplit) -> [(String, String)] {
                data.compactMap { name in rule(name, split.keywords).map { (name, $0) } }
            }
            guard Self.allCases.contains(where: { !matching($0).isEmpty }) else { continue }
            let found = matching(self)
            return (found.map(\.0), found.map(\.1))
        }
        guard self == .train || isFolderNamed else { return ([], []) }
        return (data, data.map(DataName.folder))
    }

    private static func checkShards(_ names: [String]) throws {
        var groups: [String: (name: String, count: Int, numbers: Set<Int>)] = [:]
        for name in names {
            guard let shard = DataName.shard(name) else { continue }
            let key = "\(shard.before) \(shard.count)"
            groups[key, default: (name, shard.count, [])].numbers.insert(shard.number)
        }
        for (_, group) in groups.sorted(by: { $0.key < $1.key })
        where group.numbers.filter({ $0 < group.count }).count != group.count {
            throw Problem.shards(file: group.name, there: group.numbers.count, of: group.count)
        }
    }
}

extension DataSplit.Problem: CustomStringConvertible {
    public var description: String {
        switch self {
        case .none(let split, let there) where there.isEmpty:
            "there is no data file for \(split.rawValue) (.csv, .tsv, .jsonl, .json or .parquet), nor any other"
        case .none(let split, let there):
            "no data file is named for \(split.rawValue); name one, or a folder: there are \(Self.list(there))"
        case .folders(let split, let folders):
            "there are files for \(split.rawValue) in several folders; name one of \(Self.list(folders.map { $0.isEmpty ? "." : $0 }))"
        case .formats(let split, let files):
            "the files for \(split.rawValue) are of several formats; name those of one by a pattern: there are "
                + Self.list(files)
        case .shards(let file, let there, let count):
            "only \(there) of \(count) shards like \(file) are there; all are needed"
        }
    }

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(12).map { name in
            HubError.safe(name)
        }
        return shown.joined(separator: ", ") + (names.count > 12 ? " and \(names.count - 12) more" : "")
    }
}
