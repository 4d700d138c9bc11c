import Files
import Foundation
import Testing

@testable import Datasets

@Suite("Several files as one data set")
struct DataFilesTests {
    /// Makes a directory with files, calls the body with it, and removes it.
    private func withFiles<Result>(_ files: [String: String], _ body: (URL) throws -> Result) throws -> Result
    {
        let directory = FileManager.default.temporaryDirectory.appending(
            path: "shards-\(UUID().uuidString)", directoryHint: .isDirectory)
        defer { try? FileManager.default.removeItem(at: directory) }
        for (name, text) in files {
            let file = directory.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        return try body(directory)
    }

    private func names(_ urls: [URL], _ directory: URL) -> [String] {
        urls.map {
            String($0.path(percentEncoded: false).dropFirst(directory.path(percentEncoded: false).count))
        }
    }

    @Test(
        "patterns find files in the order of their bytes; what is there by the very name wins",
        arguments: [
            ("a*.csv", ["a10.csv", "a2.csv"]), ("a?.csv", ["a2.csv"]),
            ("[ab]*.csv", ["a10.csv", "a2.csv", "b.csv"]),
            ("{b,a2}.csv", ["a2.csv", "b.csv"]), ("d/{x,y}/p*", ["d/x/p.csv", "d/y/p.csv"]),
            ("*/*/p.csv", ["d/x/p.csv", "d/y/p.csv"]), ("*.csv", ["a10.csv", "a2.csv", "b.csv"]),
            ("e[1].tsv", ["e[1].tsv"]), ("e\\[1\\].tsv", ["e[1].tsv"]),
            ("{a2.csv,d/{x,y}/p.csv}", ["a2.csv", "d/x/p.csv", "d/y/p.csv"]),
            ("b.csv", ["b.csv"]), ("none.csv", ["none.csv"]), ("{b,b}.csv", ["b.csv"]),
        ])
    func patterns(_ pattern: String, _ found: [String]) throws {
        let files = ["a2.csv", "a10.csv", "b.csv", ".a3.csv", "d/x/p.csv", "d/y/p.csv", "e[1].tsv", "e1.tsv"]
        try withFiles(Dictionary(uniqueKeysWithValues: files.map { ($0, "x") })) { directory in
            let back = try DataFiles.files(directory.appending(path: pattern))
            #expect(names(back, directory) == found)
        }
    }

    @Test("a pattern that fits nothing is an error that names it")
    func none() throws {
        try withFiles(["a.csv": "x"]) { directory in
            for pattern in ["b*.csv", "{x,y}.csv", "a.csv/*", "x/*"] {
                let error = #expect(throws: DatasetError.self) {
                    try DataFiles.files(directory.appending(path: pattern))
                }
                #expect(error?.description.contains(pattern) == true)
            }
        }
    }

    @Test(
        "one name for several files gives them back, also where names hold what patterns are made of",
        arguments: [
            ["train-0.csv", "train-1.csv"], ["a.csv"], ["x/a.csv", "y/a.csv"], ["a.csv", "aa.csv"],
            ["a{b}.csv", "a{c}.csv"],
            ["a,1.csv", "b*.csv"], ["p/\\1.csv", "p/\\2.csv"], ["é.csv", "è.csv"], ["x/1.csv", "x/2/3.csv"],
        ])
    func roundTrip(_ files: [String]) throws {
        var all = Dictionary(uniqueKeysWithValues: files.map { ($0, "x") })
        for other in ["train-2.txt", "b.csv", "x/z.csv"] where all[other] == nil { all[other] = "x" }
        try withFiles(all) { directory in
            for urls in [files, files.reversed()].map({ $0.map { directory.appending(path: $0) } }) {
                let name = DataFiles.url(for: urls)
                let sorted = files.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
                let back = try DataFiles.files(name)
                #expect(names(back, directory) == sorted, "\(name.path)")
            }
            // Others that would fit are not taken in.
            let (one, two) = (directory.appending(path: files[0]), directory.appending(path: "b.csv"))
            let both = try DataFiles.files(DataFiles.url(for: [one, two]))
            #expect(both.count == (one == two ? 1 : 2))
        }
    }

    @Test("random names come back, whatever they are made of")
    func randomNames() throws {
        var generator = SeededGenerator(seed: 4)
        let pieces = ["a", "b", "*", "?", "[", "]", "{", "}", ",", "\\", "-", "é", " ", "1", "\n"]
        for _ in 0..<60 {
            let made = (0..<5).map { _ in
                (0...Int.random(in: 0..<5, using: &generator)).map { _ in
                    pieces.randomElement(using: &generator) ?? "a"
                }.joined() + (Bool.random(using: &generator) ? "/x" : "y") + ".csv"
            }
            let files = Set(made).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            try withFiles(Dictionary(uniqueKeysWithValues: files.map { ($0, "x") })) { directory in
                let chosen = files.filter { _ in Bool.random(using: &generator) }
                guard !chosen.isEmpty else { return }
                let url = DataFiles.url(for: chosen.map { directory.appending(path: $0) })
                let back = try DataFiles.files(url)
                #expect(names(back, directory) == chosen, "\(files)")
            }
        }
    }

    @Test("rows, labels and the digest of several files; errors name the file and its line")
    func reading() throws {
        let files = [
            "1.csv": "text,label\na,x\n", "2.csv": "label,text\ny,b\n", "3.csv": "text,label\n",
            "4.csv": "text,label\nc,x\n",
        ]
        try withFiles(files) { directory in
            let url = directory.appending(path: "?.csv")
            let data = try TextDataset.load(url)
            #expect(data.examples.map(\.text) == ["a", "b", "c"] && data.examples.map(\.label) == [0, 1, 0])
            let lines = files.keys.sorted().map { Digest.sha256(files[$0] ?? "") + "\n" }
            #expect(data.sha256 == Digest.sha256(lines.joined()))
            let map = try LabelMap(names: ["x"])
            let error = #expect(throws: DatasetError.self) { try TextDataset.load(url, labels: map) }
            #expect(error?.description.contains("/2.csv, line 2: unknown label 'y'") == true)
            // One file of a pattern is that file.
            let one = directory.appending(path: "[1].csv")
            #expect(try TextDataset.load(one).sha256 == Digest.sha256(files["1.csv"] ?? ""))
        }
    }

    @Test("files that do not go together are refused")
    func mismatches() throws {
        func refusal(_ files: [String: String], _ options: DatasetOptions = .init()) throws -> String {
            try withFiles(files) { directory in
                let error = #expect(throws: DatasetError.self) {
                    try TextDataset.load(directory.appending(path: "*"), options: options)
                }
                return error?.description ?? ""
            }
        }
        #expect(
            try refusal(["1.csv": "text\na\n", "2.tsv": "text\nb\n"]).contains(
                "must have one format, but 1.csv is csv"))
        #expect(
            try refusal(["1.csv": "text,label\na,x\n", "2.csv": "text\nb\n"]).contains(
                "2.csv: labels are missing, unlike in "))
        #expect(
            try refusal(["1.csv": "text\na\n", "2.csv": "text,text_pair\nb,c\n"]).contains(
                "two texts, unlike "))
        #expect(try refusal(["1.csv": "text,label\n", "2.csv": "text,label\n"]).contains("no examples"))
        let mixed = ["1.csv": "text,label\na,x\n", "2.csv": "text\nb\n"]
        try withFiles(mixed) { directory in
            let data = try TextDataset.load(
                directory.appending(path: "*"), options: .init(allowsUnlabeled: true))
            #expect(data.examples.map(\.label) == [0, nil])
        }
    }

    #if !Parquet
        @Test("without the trait, Parquet files get an error that says how to build with it")
        func withoutParquet() throws {
            let error = #expect(throws: DatasetError.self) {
                try Support.withFile("d.parquet", Array("PAR1".utf8)) { try TextDataset.load($0) }
            }
            #expect(error?.description.contains("make build PARQUET=1") == true)
        }
    #endif
}
