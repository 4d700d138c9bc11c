import ArgumentParser
import Distillation
import Files
import Foundation
import Reports

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Make one HTML page of a run, or compare several.",
        discussion: """
            A run writes report.html beside its model. This makes it again from the files in the directory, or one page \
            of several: runs, fine-tuned models, quantized models, and the output of `distill evaluate --json`. The page \
            is complete in itself, loads nothing, and can be sent as it is.

            Examples:
              distill report student
              distill report student student-int8 --output comparison.html
              distill report runs/* --output runs.html --overwrite
            """)

    @Argument(
        help: ArgumentHelp(
            "Output directories of runs, quantized models, or files of `distill evaluate --json`.",
            valueName: "dir"),
        completion: .directory)
    var sources: [String]

    @Option(
        help: ArgumentHelp(
            "The page. (default: report.html in the directory, where there is one)", valueName: "file.html"),
        completion: .file(extensions: ["html"]))
    var output: String?

    @Flag(help: "Replace the page if it is there.")
    var overwrite = false

    /// Returns the file for the page.
    func destination() throws -> URL {
        guard let output else {
            let only = URL(filePath: sources[0])
            guard sources.count == 1, !isFile(only) else {
                throw UsageError("--output is missing; say where the page goes, such as comparison.html")
            }
            return only.appending(path: "report.html")
        }
        let url = URL(filePath: output)
        guard ["html", "htm"].contains(url.pathExtension.lowercased()) else {
            throw UsageError("--output \(output): the page is HTML; give a name that ends in .html")
        }
        return url
    }

    private func isFile(_ url: URL) -> Bool {
        var isDirectory: ObjCBool = false
        let isThere = FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory)
        return isThere && !isDirectory.boolValue
    }

    func run() throws {
        let destination = try destination()
        let runs = try sources.map { try RunFiles(URL(filePath: $0)) }
        let folder = destination.deletingLastPathComponent().path(percentEncoded: false)
        guard FileManager.default.fileExists(atPath: folder) else { throw FileError.missing(folder) }
        // One process at a time writes the page.
        let lock = try OutputLock(destination)
        defer { withExtendedLifetime(lock) {} }
        if let removed = lock.leftovers { Terminal.error("\(removed)") }
        let path = destination.path(percentEncoded: false)
        if !overwrite, FileManager.default.fileExists(atPath: path) { throw FileError.exists(path) }
        let html = try HTMLReport(runs, program: "distill \(Version.current)").html()
        try AtomicFile.write(html, to: destination, replacing: overwrite)
        try Terminal.output(path)
    }
}
