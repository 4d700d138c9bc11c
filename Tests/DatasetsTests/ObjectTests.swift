import Foundation
import JSON
import Testing

@testable import Datasets

@Suite("Rows as objects")
struct ObjectTests {
    private func objects(_ url: URL, columns: [String]? = nil) throws -> [ObjectRow] {
        let stream = try ObjectStream(url, parquetColumns: columns, chunkSize: 7)
        var rows: [ObjectRow] = []
        while let row = try stream.next() { rows.append(row) }
        #expect(stream.count == rows.count && stream.sha256.count == 64)
        return rows
    }

    @Test("of JSON lines, and of an array, with their lines")
    func forms() throws {
        let lines = "\n{\"a\": 1}\n \n{\"b\": [2]}"
        for (name, text) in [("d.jsonl", lines), ("d.json", "[{\"a\": 1},\n\n\n{\"b\": [2]}]")] {
            let rows = try Support.withFile(name, Array(text.utf8)) { try objects($0) }
            #expect(rows.map(\.object) == [["a": 1], ["b": [2]]])
            #expect(rows.map(\.line) == (name == "d.jsonl" ? [2, 4] : [1, 4]))
            #expect(rows.allSatisfy { $0.size > 7 && $0.place.object.isEmpty })
        }
        // gzip.compress(b'{"a": 1}\n{"a": 2}', mtime=0)
        let packed: [UInt8] = [
            31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 74, 84, 178, 82, 48, 172, 229, 170, 6, 51, 140, 106, 1,
            18, 21, 69, 176, 17, 0, 0, 0,
        ]
        #expect(try Support.withFile("d.jsonl.gz", packed) { try objects($0) }.map(\.line) == [1, 2])
        let plain = try objects(Support.fixtures.appending(path: "plain.jsonl"))
        #expect(try plain.map { $0.object["text"]?.stringValue ?? "" } == Support.expected().map(\.text))
    }

    @Test("in chunks that are short where rows are long")
    func chunks() throws {
        let long = "{\"a\": \"" + String(repeating: "x", count: 9_000_000) + "\"}\n"
        try Support.withFile("d.jsonl", Array((long + long + long).utf8)) { file in
            let stream = try ObjectStream(file)
            #expect(
                try stream.rows(100).count == 2 && stream.rows(100).count == 1 && stream.rows(100).isEmpty)
        }
    }

    @Test("are refused in files of other formats, and by file and line")
    func refusals() throws {
        func message(_ text: String, as name: String) throws -> String {
            try Support.withFile(name, Array(text.utf8)) { file in
                do {
                    _ = try objects(file)
                    return "not refused"
                } catch let error as DatasetError { return error.description }
            }
        }
        #expect(try message("a,b\n", as: "d.csv").hasSuffix("write JSON lines (.jsonl) or Parquet"))
        #expect(try message("", as: "d.jsonl").hasSuffix("there are no rows in this file"))
        #expect(
            try message("{}\n3\n", as: "d.jsonl").contains("d.jsonl, line 2: each line must be a JSON object")
        )
        #expect(try message("", as: "d.txt").contains("does not show its format"))
        try Support.withFile("d.jsonl", Array("{}\n{}\n".utf8)) { file in
            let stream = try ObjectStream(file)
            let rows = try stream.rows(2)
            #expect(stream.error(about: rows[1], "is bad").description.hasSuffix("d.jsonl, line 2: is bad"))
        }
    }

    #if Parquet
        @Test("of Parquet are its columns of text")
        func parquet() throws {
            let folder = ParquetTests.folder
            let expected = try ParquetTests.expected()
            let golden = try #require(expected["groups.parquet"]?.arrayValue)
            let rows = try objects(folder.appending(path: "groups.parquet"), columns: ["text", "prompt"])
            #expect(rows.count == golden.count)
            for (index, row) in rows.enumerated() {
                #expect(row.line == index + 1 && row.unit == .row)
                #expect(row.object["text"]?.stringValue == golden[index].arrayValue?[0].stringValue)
            }
            func message(_ columns: [String]?) -> String {
                do {
                    _ = try objects(folder.appending(path: "lists.parquet"), columns: columns)
                    return "not refused"
                } catch { return "\(error)" }
            }
            #expect(
                message(["text", "label"]).contains("the column 'label' is of type list<"),
                "\(message(["text", "label"]))")
            #expect(message(["messages"]).contains("no column of texts has one of the names messages"))
            #expect(message(nil) == "not refused")
        }
    #endif
}
