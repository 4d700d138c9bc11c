@testable import Datasets

/// The parser that has all bytes in memory, to compare with.
///
/// A field that begins with a quote ends at the next quote that is not doubled, and may hold delimiters and line
/// breaks. Elsewhere a quote is an ordinary character. Lines end with LF, CRLF or CR; empty lines are skipped.
struct ReferenceParser {
    /// A record, with the number of the line on which it begins, counted from 1.
    struct Record {
        var fields: [ArraySlice<UInt8>]
        var line: Int
    }

    private let bytes: [UInt8]
    private let delimiter: UInt8
    private let path: String
    private var place: Int
    private var line = 1

    init(_ bytes: [UInt8], delimiter: UInt8, path: String) {
        self.bytes = bytes
        self.delimiter = delimiter
        self.path = path
        place = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// - Throws: ``DatasetError`` for a quote that is never closed, or text between a closing quote and the delimiter.
    mutating func next() throws -> Record? {
        while place < bytes.count, isLineBreak(bytes[place]) { skipLineBreak() }
        guard place < bytes.count else { return nil }
        var record = Record(fields: [], line: line)
        while true {
            record.fields.append(try field())
            guard place < bytes.count, bytes[place] == delimiter else { break }
            place += 1
        }
        skipLineBreak()
        return record
    }

    private func isLineBreak(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

    private mutating func skipLineBreak() {
        guard place < bytes.count else { return }
        if bytes[place] == 0x0D {
            place += 1
        } else if bytes[place] == 0x0A {
            place += 1
            line += 1
            return
        }
        if place < bytes.count, bytes[place] == 0x0A { place += 1 }
        line += 1
    }

    private mutating func field() throws -> ArraySlice<UInt8> {
        guard place < bytes.count, bytes[place] == UInt8(ascii: "\"") else {
            let start = place
            while place < bytes.count, bytes[place] != delimiter, !isLineBreak(bytes[place]) { place += 1 }
            return bytes[start..<place]
        }
        return try quotedField()
    }

    private mutating func quotedField() throws -> ArraySlice<UInt8> {
        let quote = UInt8(ascii: "\"")
        let opening = line
        place += 1
        let start = place
        // What stands before a doubled quote, that one included; empty where there is none.
        var unescaped: [UInt8] = []
        var copied = start
        while place < bytes.count {
            let byte = bytes[place]
            if byte == 0x0A || (byte == 0x0D && !(place + 1 < bytes.count && bytes[place + 1] == 0x0A)) {
                line += 1
            }
            guard byte == quote else {
                place += 1
                continue
            }
            if place + 1 < bytes.count, bytes[place + 1] == quote {
                unescaped += bytes[copied...place]
                place += 2
                copied = place
                continue
            }
            let rest = bytes[copied..<place]
            place += 1
            guard place == bytes.count || bytes[place] == delimiter || isLineBreak(bytes[place]) else {
                let behind = opening == line ? "" : " on line \(line)"
                throw DatasetError(
                    path, line: opening,
                    "the quote that opens here is closed\(behind) with text behind it; double the quotes inside a "
                        + "quoted field, or pass --quoting none where quotes are characters")
            }
            return unescaped.isEmpty ? rest : (unescaped + rest)[...]
        }
        throw DatasetError(
            path, line: opening,
            "the quote that opens here is never closed; close it, or pass --quoting none where quotes are characters"
        )
    }
}
