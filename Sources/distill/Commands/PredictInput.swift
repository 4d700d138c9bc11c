import Datasets
import DistillRuntime
import Distillation
import Foundation
import Tokenizers

/// The input of `distill predict`, some texts at a time: the lines of a plain text, or the rows of a data file.
enum PredictInput {
    /// Plain text: a text a line, or two with a tab between.
    case lines(LineReader, hasPairs: Bool)
    /// CSV, TSV, JSON or Parquet, as every other command reads it.
    case rows(TextStream, hasPairs: Bool)

    typealias Text = Result<TextPair, UsageError>

    /// Opens what the command line names.
    ///
    /// - Parameters:
    ///   - name: A file, a pattern, a directory or data on the Hub; `-` for standard input.
    ///   - hasPairs: True if each text is two.
    ///   - options: The options for reading a data file.
    /// - Throws: ``UsageError`` where options of data files are given for a plain text; errors of the file.
    init(_ name: String, hasPairs: Bool, options: DatasetOptions) throws {
        if name != "-" {
            let url = try DataReference.url(name, split: .test)
            if (try? TaggedOptions().format(of: url)) == .conll {
                throw UsageError(
                    "\(name): holds words with tags; predict reads texts, one a line. `distill evaluate` reads such files"
                )
            }
            if Self.isTable(url) {
                self = .rows(try Self.stream(url, options), hasPairs: hasPairs)
                return
            }
        }
        guard options == DatasetOptions() else {
            throw UsageError(
                "--text-column, --text-pair-column, --delimiter and --quoting are for data files; "
                    + "\(name == "-" ? "standard input" : name) is read as plain text, a text a line")
        }
        self = .lines(try LineReader(path: name), hasPairs: hasPairs)
    }

    /// Returns true if a file's name says that it is a data file.
    private static func isTable(_ url: URL) -> Bool { (try? DatasetOptions().format(of: url)) != nil }

    private static func stream(_ url: URL, _ options: DatasetOptions) throws -> TextStream {
        var options = options
        options.readsLabels = false
        options.allowsEmptyTexts = true
        return try TextStream(url, options: options)
    }

    /// Returns the position of one of the texts, for an error.
    ///
    /// - Parameter number: Its number among all texts, counted from 1.
    func position(_ number: Int) -> String {
        switch self {
        case .lines: "line \(number)"
        case .rows(let stream, _): "\(stream.path), row \(number)"
        }
    }

    /// The next texts, at least one, or what is wrong with them; `nil` at the end.
    func next() throws -> [Text]? {
        switch self {
        case .lines(let reader, let hasPairs):
            return try reader.next()?.map { Self.text($0, hasPairs) }
        case .rows(let stream, let hasPairs):
            let rows = try stream.rows(256)
            guard rows.isEmpty || stream.hasPairs || !hasPairs else {
                throw UsageError(
                    "--pairs: \(stream.path) has no column that is known to hold a second text (the columns are "
                        + "\(DatasetError.list(stream.columnNames))); name it with --text-pair-column")
            }
            return rows.isEmpty ? nil : rows.map(Self.text)
        }
    }

    private static func text(_ line: LineReader.Line, _ hasPairs: Bool) -> Text {
        switch LineInput(line, hasPairs: hasPairs) {
        case .text(let text): .success(text)
        case .problem(let problem): .failure(UsageError(problem))
        }
    }

    private static func text(_ row: TextRow) -> Text {
        if isBlank(row.text[...]) || row.pair.map({ isBlank($0[...]) }) == true {
            return .failure(UsageError("the text on line \(row.line) is empty"))
        }
        return .success(TextPair(row.text, pair: row.pair))
    }

    private static func isBlank(_ text: Substring) -> Bool { text.allSatisfy(\.isWhitespace) }
}
