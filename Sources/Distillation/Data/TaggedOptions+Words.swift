import Datasets
import Foundation

extension DatasetOptions {
    /// The same for a file of words with tags.
    package var tagged: TaggedOptions {
        var options = TaggedOptions(wordColumn: textColumn, tagColumn: labelColumn, textColumn: nil)
        options.readsTags = readsLabels
        options.allowsUntagged = allowsUnlabeled
        switch format {
        case .jsonl: options.format = .jsonl
        case .parquet: options.format = .parquet
        case .csv, .tsv, nil: options.format = nil
        }
        return options
    }
}

extension TaggedOptions {
    /// True if a file's name says that it holds words with tags.
    package static func isNamedForWords(_ url: URL) -> Bool {
        guard let file = try? DataFiles.files(url).first else { return false }
        return (try? TaggedOptions().format(of: file)) == .conll
    }

    /// True if a name is a tag of entities.
    func isEntityTag(_ name: String) -> Bool {
        name == "O" || (name.count > 2 && name.dropFirst().first == "-" && "BIESLU".contains(name.prefix(1)))
    }
}
