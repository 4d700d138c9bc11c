import Foundation

/// The options for reading a data file for token classification.
public struct TaggedOptions: Sendable, Equatable {
    public enum Format: String, CaseIterable, Sendable {
        /// A word and its tag on each line among other columns, and an empty line after each sentence.
        case conll
        /// A JSON object a line, or one array of objects: with lists of words and tags, or with a text and spans.
        case jsonl
        /// Apache Parquet with lists of words and tags.
        case parquet
    }

    /// The column or key of the words, in CoNLL also its number from 1, or from -1 backwards; `nil` finds it: by its
    /// usual names, in CoNLL the first that does not count the words.
    public var wordColumn: String?
    /// The column or key of the tags, likewise; `nil` in CoNLL is the last.
    public var tagColumn: String?
    /// The key of a text, whose tags are spans under ``tagColumn``.
    public var textColumn: String?
    /// `nil` goes by the file's name: `.conll`, `.conllu`, `.iob`, `.iob2`, `.bio`, `.jsonl`, `.json`, each also with
    /// `.gz`, or `.parquet`. A `.txt` file must be named ``Format/conll`` here.
    public var format: Format?
    /// True if CoNLL's first line names the columns; `nil` means yes if a column is chosen by name.
    public var hasHeader: Bool?
    /// True if lines of CoNLL that begin with `#` before a sentence are comments; `nil` means yes if the first column
    /// counts the words, as in CoNLL-U.
    public var hasComments: Bool?
    /// The tags that integers denote; `nil` takes the names that Parquet's metadata hold.
    public var tagNames: [String]?
    /// True if a tag may be any text, as for parts of speech; otherwise it must be `O` or a prefix with a type.
    public var allowsAnyTag = false
    /// True if tags are read; otherwise the rows have none.
    public var readsTags = true
    /// True if a row may lack tags: by a key that is absent or null.
    public var allowsUntagged = false

    public init(
        wordColumn: String? = nil, tagColumn: String? = nil, textColumn: String? = nil, format: Format? = nil
    ) {
        self.wordColumn = wordColumn
        self.tagColumn = tagColumn
        self.textColumn = textColumn
        self.format = format
    }
}

extension TaggedOptions {
    /// The format of a file: the chosen one, or that of its name.
    ///
    /// - Parameter url: A file, or a pattern of several, which must have one format; see ``DataFiles``.
    /// - Throws: ``DatasetError`` if the name shows none.
    public func format(of url: URL) throws -> Format {
        try format
            ?? DataFiles.format(
                of: url, byExtension: Self.format(ofExtension:), otherwise: Self.unknownFormat)
    }

    private static func format(ofExtension name: String) -> Format? {
        switch name {
        case "conll", "conllu", "iob", "iob2", "bio": .conll
        case "jsonl", "json", "ndjson": .jsonl
        case "parquet": .parquet
        default: nil
        }
    }

    private static let unknownFormat =
        "the file's name does not show its format; name it .conll, .jsonl (or these with .gz) or .parquet, or say "
        + "that it is conll"

    /// Returns true if a text can be a tag.
    func takes(tag: String) -> Bool {
        allowsAnyTag ? !tag.utf8.isEmpty : tag.utf8.elementsEqual("O".utf8) || EntityTag(tag) != nil
    }
}
