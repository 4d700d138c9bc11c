/// The separator and quoting of CSV and TSV, where the file's name does not determine them.
public struct DelimitedFormat: Sendable, Equatable {
    /// The meaning of a quote at the beginning of a field.
    public enum Quoting: String, CaseIterable, Sendable {
        /// RFC 4180: the field ends at the next quote that is not doubled, and may hold delimiters and line breaks.
        case rfc4180
        /// Nothing: a quote is a character, and each line is a row.
        case off = "none"
    }

    /// An ASCII character; `nil` is the comma in `.csv`, the tab in `.tsv`.
    public var delimiter: UInt8?
    /// `nil` is RFC 4180 in `.csv`; in `.tsv`, which is written with and without quoting, see ``Quoting`` and
    /// `TabbedParser`.
    public var quoting: Quoting?

    public init(delimiter: UInt8? = nil, quoting: Quoting? = nil) {
        self.delimiter = delimiter
        self.quoting = quoting
    }

    /// Reads a delimiter as people write it: `;`, or `tab` or `\t` for the tab.
    ///
    /// - Throws: ``DatasetError`` for anything but one ASCII character that can separate fields.
    public static func delimiter(_ text: String) throws -> UInt8 {
        if text == "tab" || text == "\\t" { return 0x09 }
        let bytes = Array(text.utf8)
        guard bytes.count == 1, bytes[0] < 0x80, !"\"\r\n\0".utf8.contains(bytes[0]) else {
            throw DatasetError(
                "delimiter must be one ASCII character, such as ';', or tab, and no quote; got '\(shown(text))'"
            )
        }
        return bytes[0]
    }

    /// The delimiter as ``delimiter(_:)`` reads it; `nil` where the file's name decides.
    package var delimiterName: String? { delimiter.map(Self.name) }

    /// A delimiter as ``delimiter(_:)`` reads it.
    static func name(of delimiter: UInt8) -> String {
        delimiter == 0x09 ? "tab" : String(UnicodeScalar(delimiter))
    }
}
