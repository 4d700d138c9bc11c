import Distillation
import Foundation
import HubStore
import Testing

@testable import distill

@Suite("Data by file, pattern, directory or hf://")
struct DataReferenceTests {
    private func names(_ url: URL, _ scratch: Scratch) -> String {
        url.path.replacing(scratch.path("") + (scratch.path("").hasSuffix("/") ? "" : "/"), with: "")
    }

    @Test(
        "a directory's files are found by the split that the option means; a file or pattern stays as it is")
    func local() throws {
        let scratch = try Scratch()
        for name in ["train.csv", "dev.csv", "part-0.tsv", "part-1.tsv"] {
            _ = try scratch.write("text,label\na,x\n", to: name)
        }
        func url(_ text: String, _ split: DataSplit) throws -> String {
            names(try DataReference.url(text, split: split), scratch)
        }
        #expect(try url(scratch.path("."), .train).hasSuffix("train.csv"))
        #expect(try url(scratch.path("."), .validation).hasSuffix("dev.csv"))
        #expect(try url(scratch.path("dev.csv"), .train) == "dev.csv")
        #expect(try url(scratch.path("part-*.tsv"), .test) == "part-*.tsv")
        #expect(try url(scratch.path("none.csv"), .test) == "none.csv")
        let error = #expect(throws: DistillationError.self) {
            try DataReference.url(scratch.path("."), split: .test)
        }
        let text = error?.description ?? ""
        #expect(text.contains("test") && text.contains("dev.csv") && text.contains("train.csv"))
    }

    @Test(
        "what is no reference to data is refused before anything is asked",
        arguments: ["hf://org/name", "hf://datasets/", "hf://datasets/a--b/c", "hf://datasets/a/b/../c"])
    func refusals(_ text: String) {
        let error = #expect(throws: DistillationError.self) { try DataReference.url(text, split: .train) }
        #expect(error?.description.contains("\n") == false)
    }

    @Test("options mean their splits, also in a configuration file")
    func splits() throws {
        let scratch = try Scratch()
        for name in ["train.csv", "dev.csv", "test.csv"] {
            _ = try scratch.write("text,label\na,x\n", to: name)
        }
        let yaml = try scratch.write(
            "train: \(scratch.path("."))\nvalidation: \(scratch.path("."))\ntest: \(scratch.path("."))\n",
            to: "distill.yaml")
        let request = try RunCommand.parse(["--teacher", "t", "--output", "o", "--config", yaml]).request()
        #expect(request.data.train.lastPathComponent == "train.csv")
        #expect(request.data.validation?.lastPathComponent == "dev.csv")
        #expect(request.test?.lastPathComponent == "test.csv")
    }
}
