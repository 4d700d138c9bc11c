import Files
import Foundation
import Reports
import Tokenizers
import Transformers

/// Where a run saves its model. At any moment the directory is either absent or a complete model: every save
/// is built beside it and then renamed into its place.
struct OutputDirectory {
    let url: URL

    /// - Parameter inputs: Files and directories that the run reads, which it must not replace.
    /// - Throws: `FileError` where the directory is not empty and may not be replaced; ``DistillationError`` where
    ///   replacing it would lose something other than a model.
    init(_ url: URL, overwrite: Bool, inputs: [URL]) throws {
        // Checked before any work is done; nothing stays of it.
        try StagedDirectory(for: url, overwrite: overwrite).discard()
        try Self.refuseLoss(of: url, inputs: inputs)
        self.url = url
    }

    private static func refuseLoss(of url: URL, inputs: [URL]) throws {
        func components(_ url: URL) -> [String] {
            url.standardizedFileURL.resolvingSymlinksInPath().pathComponents
        }
        let own = components(url)
        if let input = inputs.first(where: { components($0).starts(with: own) }) {
            throw DistillationError(
                "\(url.path): the output directory is or holds the input \(input.path); name another directory"
            )
        }
        let manager = FileManager.default
        let entries = (try? manager.contentsOfDirectory(atPath: url.path)) ?? []
        guard entries.isEmpty || entries.contains("config.json") else {
            throw DistillationError(
                "\(url.path): is not a model directory (it has no config.json), so --overwrite does not replace "
                    + "it; name another directory")
        }
    }

    /// Saves the model with its tokenizer's files, a model card and a report, in place of an earlier save.
    ///
    /// - Parameters:
    ///   - model: What is saved.
    ///   - tokenizerDirectory: Its tokenizer files are copied as they are.
    ///   - files: More files by their names.
    ///   - page: Whether `report.html` is made of them.
    func save(
        _ model: any SequenceClassifier, tokenizerDirectory: URL, files: [(name: String, text: String)],
        page: Bool = false
    ) throws {
        let staged = try StagedDirectory(for: url, overwrite: true)
        try ModelWriter.save(model, to: staged.url)
        try Self.copyTokenizer(from: tokenizerDirectory, to: staged.url)
        for file in files { try AtomicFile.write(file.text, to: staged.url.appending(path: file.name)) }
        if page {
            let report = try HTMLReport(
                [RunFiles(staged.url, destination: url)], program: "distill \(Version.current)")
            try AtomicFile.write(try report.html(), to: staged.url.appending(path: "report.html"))
        }
        try staged.commit()
    }

    /// Copies a tokenizer's files as they are.
    static func copyTokenizer(from source: URL, to directory: URL) throws {
        for name in Tokenizer.fileNames {
            let file = source.appending(path: name)
            guard FileManager.default.fileExists(atPath: file.path) else { continue }
            let bytes = try MappedFile(file)
            try AtomicFile.write(to: directory.appending(path: name)) { try $0.write(bytes.bytes) }
        }
    }

    /// What goes with a run's model besides its report.
    struct Extras {
        /// Lines of `history.jsonl`; none where there is nothing to say.
        var history = ""
        /// `analysis.json`; `nil` in a save before the end.
        var analysis: PredictionAnalysis?
        var card = ModelCardOptions()
    }

    /// Saves the model and its report; the report then knows the size of the weights' file, so it is written once
    /// more. With an analysis, the run is at its end, and `report.html` is made of the files.
    func save(
        _ model: any SequenceClassifier, tokenizerDirectory: URL, report: inout RunReport,
        extras: Extras = Extras()
    ) throws {
        func write(_ report: RunReport, isLast: Bool) throws {
            var files = [
                ("README.md", ModelCard(report: report, options: extras.card).text),
                (report.recordName, try JSONText.encode(report) + "\n"),
            ]
            if !extras.history.isEmpty { files.append(("history.jsonl", extras.history)) }
            if let analysis = extras.analysis {
                files.append(("analysis.json", try JSONText.encode(analysis) + "\n"))
            }
            try save(
                model, tokenizerDirectory: tokenizerDirectory, files: files,
                page: isLast && extras.analysis != nil)
        }
        if report.student.bytesOnDisk == 0 {
            try write(report, isLast: false)
            report.student.bytesOnDisk = weightBytes(in: url)
            if let teacher = report.teacher, report.student.bytesOnDisk > 0 {
                report.comparison?.sizeRatio =
                    Double(teacher.bytesOnDisk) / Double(report.student.bytesOnDisk)
            }
        }
        try write(report, isLast: true)
    }
}
