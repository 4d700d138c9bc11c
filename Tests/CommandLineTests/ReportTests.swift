import Distillation
import Foundation
import Testing

@Suite("distill report")
struct ReportTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func finetune(_ name: String, _ more: String...) throws -> String {
        let output = scratch.path(name)
        let result = try Program.run(
            [
                "finetune", "--model", Program.teacher.path, "--train", Program.reviews.path, "--output",
                output,
                "--epochs", "1", "--quiet",
            ] + more)
        try #require(result.status == 0, "\(result.errors)")
        return output
    }

    private func text(_ path: String) throws -> String {
        try String(contentsOf: URL(filePath: path), encoding: .utf8)
    }

    @Test("makes a run's page again, and one page of two runs")
    func pages() throws {
        let (a, b) = (
            try finetune("a", "--license", "mit", "--language", "en,de"), try finetune("b", "--seed", "2")
        )
        let written = try text("\(a)/report.html")
        try FileManager.default.removeItem(atPath: "\(a)/report.html")
        let again = try Program.run(["report", a])
        try #require(again.status == 0, "\(again.errors)")
        #expect(again.output == "\(a)/report.html\n")
        #expect(try text("\(a)/report.html") == written)
        let page = scratch.path("both.html")
        let both = try Program.run(["report", a, b, "--output", page])
        try #require(both.status == 0, "\(both.errors)")
        #expect(try text(page).contains("a, b compared"))
        let card = try text("\(a)/README.md")
        #expect(card.contains("license: mit") && card.contains("language:\n- en\n- de\n"))
    }

    @Test("refuses what it cannot do, and leaves what is there")
    func refusals() throws {
        let model = try finetune("model", "--report-examples", "0")
        let written = try text("\(model)/report.html")
        let empty = scratch.url.appending(path: "empty")
        try FileManager.default.createDirectory(at: empty, withIntermediateDirectories: true)
        let cases: [(arguments: [String], status: Int32, message: String)] = [
            ([model], 1, "exists"), ([model, model], 64, "--output is missing"),
            ([model, "--output", scratch.path("page.txt")], 64, "a name that ends in .html"),
            ([empty.path], 1, "there is nothing to report on"),
            ([scratch.path("nowhere")], 1, "no such file or directory"),
            ([model, "--output", scratch.path("no/such/place.html")], 1, "no such file or directory"),
            ([], 64, "dir"),
        ]
        for (arguments, status, message) in cases {
            let result = try Program.run(["report"] + arguments)
            #expect(result.status == status, "\(arguments): \(result.errors)")
            #expect(result.errors.contains(message), "\(arguments): \(result.errors)")
        }
        #expect(try text("\(model)/report.html") == written)
        #expect(try scratch.entries == ["model", "empty"])
        let replaced = try Program.run(["report", model, "--overwrite"])
        #expect(replaced.status == 0, "\(replaced.errors)")
    }
}
