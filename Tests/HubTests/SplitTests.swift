import Files
import Foundation
import JSON
import Testing

@testable import Hub
@testable import HubStore

@Suite struct SplitTests {
    /// What `datasets` takes of random trees (scripts/fixtures/datasets_splits.py).
    @Test func filesAreChosenAsInPython() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "Fixtures/splits.json")
        let cases = try JSONValue.load(contentsOf: file).arrayValue ?? []
        #expect(cases.count == 250)
        var outcomes = (taken: 0, refused: 0, none: 0)
        for entry in cases {
            let names = entry.objectValue?["names"]?.arrayValue?.compactMap(\.stringValue) ?? []
            let splits = entry.objectValue?["splits"]?.objectValue
            for split in DataSplit.allCases {
                let expected = splits?[split.rawValue]?.arrayValue?.compactMap(\.stringValue) ?? []
                do {
                    let files = try split.files(among: names.shuffled())
                    #expect(files == expected, "\(split) of \(names)")
                    outcomes.taken += 1
                } catch DataSplit.Problem.none(_, let there) {
                    #expect(expected.isEmpty, "\(split) of \(names)")
                    #expect(Set(there).isSubset(of: names))
                    outcomes.none += 1
                } catch {
                    // Python would read these as one data set.
                    #expect(!expected.isEmpty, "\(split) of \(names): \(error)")
                    outcomes.refused += 1
                }
            }
        }
        #expect(outcomes.taken > 100 && outcomes.refused > 10 && outcomes.none > 100)
    }

    @Test func shardsAreOneDataSetAndAllOfThem() throws {
        let names = FakeRepository.data.files.keys.sorted()
        #expect(
            try DataSplit.train.files(among: names)
                == ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"])
        #expect(throws: DataSplit.Problem.none(.test, there: names.filter(DataName.isData))) {
            try DataSplit.test.files(among: names)
        }
        let cut = names.filter { !$0.contains("train-00001") }
        #expect(throws: DataSplit.Problem.shards(file: "data/train-00000-of-00002.parquet", there: 1, of: 2))
        {
            try DataSplit.train.files(among: cut)
        }
        let short = ["data/dev-00000-of-00001.parquet", "data/train-00000-of-00001.parquet"]
        #expect(try DataSplit.validation.files(among: short) == [short[0]])
    }

    @Test func whatIsNotClearIsRefused() {
        #expect(throws: DataSplit.Problem.folders(.train, ["cola", "sst2"])) {
            try DataSplit.train.files(among: ["cola/train.csv", "sst2/train.csv", "sst2/test.csv"])
        }
        #expect(throws: DataSplit.Problem.formats(.test, ["test.csv", "test.parquet"])) {
            try DataSplit.test.files(among: ["test.csv", "test.parquet", "train.csv"])
        }
        // JSON and JSON lines are one format, packed or not.
        #expect(
            (try? DataSplit.test.files(among: ["test.json", "test_2.jsonl.gz"])) == [
                "test.json", "test_2.jsonl.gz",
            ])
    }

    @Test func aNamedFolderIsWhatIsMeant() throws {
        let names = ["part-0.csv", "part-1.csv"]
        #expect(throws: DataSplit.Problem.none(.test, there: names)) {
            try DataSplit.test.files(among: names)
        }
        #expect(try DataSplit.test.files(in: names, of: "dev") == names)
        let error = #expect(throws: HubError.self) {
            try DataSplit.test.files(in: ["train.csv"], of: "my data")
        }
        #expect(
            error?.description
                == "my data: no data file is named for test; name one, or a folder: there are train.csv")
    }

    @Test(arguments: [
        ("hf://datasets/org/name", "org/name", "main", ""),
        ("hf://datasets/org/name@v1", "org/name", "v1", ""),
        ("hf://datasets/org/name/", "org/name", "main", ""),
        ("hf://datasets/name", "name", "main", ""),
        ("hf://datasets/name@v1/train.csv", "name", "v1", "train.csv"),
        ("hf://datasets/org/name/data/train-*.parquet", "org/name", "main", "data/train-*.parquet"),
        (
            "hf://datasets/org/name@refs/convert/parquet/default/train/0000.parquet", "org/name",
            "refs/convert/parquet",
            "default/train/0000.parquet"
        ),
        ("hf://datasets/org/name@refs%2Fpr%2F3/a b.csv", "org/name", "refs/pr/3", "a b.csv"),
        ("hf://datasets/org/name@refs/pr/3", "org/name", "refs/pr/3", ""),
    ])
    func references(text: String, id: String, revision: String, path: String) throws {
        let reference = try #require(try HubDataReference.parse(text))
        #expect(reference.repository == (try HubRepository(id, kind: .dataset, revision: revision)))
        #expect(reference.path == path)
    }

    @Test(arguments: [
        "hf://", "hf://datasets", "hf://datasets/", "hf://models/org/name", "hf://org/name",
        "hf://datasets/org/name@",
        "hf://datasets/org/name/../x", "hf://datasets/org/name//x", "hf://datasets/a--b/c",
        "hf://datasets/org/name/a\0",
        "hf://datasets//name", "hf://datasets/org/name/\u{1B}[2J\u{1B}",
    ])
    func badReferences(text: String) {
        let error = #expect(throws: HubError.self) { try HubDataReference.parse(text) }
        #expect(error?.description.contains("\u{1B}") == false)
    }

    @Test func otherTextsAreNoReferences() throws {
        for text in ["train.csv", "org/name", "/hf://datasets/x", "", "HF://datasets/org/name"] {
            #expect(try HubDataReference.parse(text) == nil)
        }
    }

    @Test func pathsChooseFilesFoldersAndPatterns() throws {
        let names = [
            "README.md", "a.csv", "cola/test.csv", "cola/train.csv", "sst2/deep/b.csv", "sst2/train.csv",
            "x/part-0.csv",
        ]
        func files(_ path: String, _ split: DataSplit = .train) throws -> [String] {
            try HubDataReference("hf://datasets/org/name/\(path)").files(among: names, split: split)
        }
        #expect(try files("a.csv") == ["a.csv"])
        #expect(try files("cola") == ["cola/train.csv"] && files("cola/", .test) == ["cola/test.csv"])
        #expect(try files("x", .test) == ["x/part-0.csv"])
        #expect(try files("*/train.csv") == ["cola/train.csv", "sst2/train.csv"])
        #expect(try files("*.csv") == ["a.csv"])
        #expect(try files("sst2/**/*.csv") == ["sst2/deep/b.csv", "sst2/train.csv"])
        for (path, part) in [
            ("none.csv", "no file or folder 'none.csv'"), ("none/*.csv", "no data file fits"),
            ("README.md", "is no data file"), ("", "in several folders; name one of cola, sst2"),
            ("col", "no file"),
        ] {
            let error = #expect(throws: HubError.self) { try files(path) }
            #expect(error?.description.contains(part) == true, "\(String(describing: error))")
        }
    }
}
