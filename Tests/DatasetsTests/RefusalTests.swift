import Foundation
import Testing

@testable import Datasets

@Suite("Data files that are refused")
struct RefusalTests {
    @Test("a row with too few or too many columns, by its line, also after a field of several lines")
    func columnCount() {
        #expect(
            Support.refusal("text,label\na,x\nb\n").hasPrefix(
                "data.csv, line 3: 1 column where the header has 2"))
        #expect(
            Support.refusal("text,label\n\"a\nb\r\nc\",x\nd,y,z\n").hasPrefix("data.csv, line 5: 3 columns"))
        #expect(Support.refusal("text,label\n\na,x\n\nb\n").hasPrefix("data.csv, line 5"))
    }

    @Test("an unknown column, with the list of those there are")
    func unknownColumn() {
        let options = DatasetOptions(textColumn: "body")
        #expect(
            Support.refusal("text,label\na,x\n", options: options)
                == "data.csv: there is no column 'body'; the columns are text, label; choose one with --text-column"
        )
        #expect(Support.refusal("a,b\n1,2\n").contains("the columns are a, b; choose one with --text-column"))
        #expect(Support.refusal("text,text\n1,2\n").contains("'text' occurs twice"))
        #expect(
            Support.refusal(#"{"text": "a", "label": 1}"# + "\n" + #"{"text": "a"}"#, as: "d.jsonl")
                == "d.jsonl, line 2: the key 'label' is missing; every line needs it")
    }

    @Test("empty data, empty text, empty label, unknown label")
    func empty() throws {
        #expect(Support.refusal("").contains("the file is empty"))
        #expect(Support.refusal("text,label\n").contains("no examples"))
        #expect(Support.refusal("\n\n", as: "d.jsonl").contains("no examples"))
        #expect(Support.refusal("text,label\na,x\n \t,y\n").hasPrefix("data.csv, line 3: the text is empty"))
        #expect(Support.refusal("text,label\na, \n").hasPrefix("data.csv, line 2: the label is empty"))
        let map = try LabelMap(names: ["neg", "pos"])
        #expect(
            Support.refusal("text,label\na,pos\nb,good\n", labels: map)
                == "data.csv, line 3: unknown label 'good'; the labels are neg, pos, in this order")
        #expect(Support.refusal("text,label\na,2\n", labels: map).contains("unknown label '2'"))
    }

    @Test("text that is not what it should be")
    func malformed() throws {
        #expect(
            Support.refusal("text,label\n\"a,x\nb,y\n").hasPrefix(
                "data.csv, line 2: the quote that opens here"))
        #expect(
            Support.refusal("text,label\n\"a\"b,x\n").hasPrefix(
                "data.csv, line 2: the quote that opens here is closed with text behind it"))
        #expect(
            Support.refusal("{\"text\": \"a\"}\n{\"text\": ", as: "d.jsonl").hasPrefix(
                "d.jsonl, line 2: this is not JSON"))
        #expect(
            Support.refusal("[1]", as: "d.jsonl").hasPrefix(
                "d.jsonl, line 1: the elements of the array must be JSON objects, got an integer"))
        #expect(
            Support.refusal("{\"text\": \"a\"}\n[1]", as: "d.jsonl").hasPrefix(
                "d.jsonl, line 2: each line must be a JSON object"))
        #expect(
            Support.refusal(#"{"text": 3, "label": 1}"#, as: "d.jsonl").contains(
                "'text' must be a string, got"))
        #expect(
            Support.refusal(#"{"text": "a", "label": 0.5}"#, as: "d.jsonl").contains(
                "label must be a string or an integer"))
        let latin: [UInt8] = Array("text,label\ncaf".utf8) + [0xE9] + Array(",x\n".utf8)
        #expect(throws: DatasetError.self) {
            try Support.withFile("data.csv", latin) { try TextDataset.load($0) }
        }
        #expect(throws: (any Error).self) { try TextDataset.load(URL(filePath: "/nonexistent/data.csv")) }
    }

    @Test("gzip data that are cut short or damaged, at every byte")
    func gzip() throws {
        let whole = Array(try Data(contentsOf: Support.fixtures.appending(path: "minimal.csv.gz")))
        for length in stride(from: 2, to: whole.count, by: 97) {
            #expect(throws: DatasetError.self, "cut to \(length)") {
                try Support.withFile("data.csv.gz", Array(whole[..<length])) { try TextDataset.load($0) }
            }
        }
        var refused = 0
        for place in stride(from: 20, to: whole.count, by: 61) {
            var damaged = whole
            damaged[place] ^= 0x10
            do { _ = try Support.withFile("data.csv.gz", damaged) { try TextDataset.load($0) } } catch {
                #expect(error is DatasetError)
                refused += 1
            }
        }
        // The checksum at the end lets nothing pass.
        #expect(refused == stride(from: 20, to: whole.count, by: 61).reduce(0) { count, _ in count + 1 })
    }

    @Test(
        "files with errors put in at random are read or refused, but never end the process",
        arguments: ["minimal.csv", "lines.jsonl"])
    func mutations(name: String) throws {
        let start = try Data(contentsOf: Support.fixtures.appending(path: name)).prefix(1500)
        let whole = Array(start.prefix(through: try #require(start.lastIndex(of: 0x0A))))
        var generator = SeededGenerator(seed: 3)
        var outcomes = (read: 0, refused: 0)
        for _ in 0..<400 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes.insert(bytes.randomElement(using: &generator) ?? 0, at: place)
                }
            }
            do {
                _ = try Support.withFile(name, bytes) { try TextDataset.load($0) }
                outcomes.read += 1
            } catch {
                #expect(error is DatasetError, "\(error)")
                outcomes.refused += 1
            }
        }
        #expect(outcomes.read > 0 && outcomes.refused > 0)
    }
}
