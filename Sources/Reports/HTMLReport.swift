import Foundation

/// One self-contained HTML page about a run, or about several side by side.
///
/// ```swift
/// let html = try HTMLReport([try RunFiles(URL(filePath: "student"))], program: "distill 1.0").html()
/// ```
public struct HTMLReport: Sendable {
    let runs: [RunFiles]
    let program: String

    /// - Parameters:
    ///   - runs: One or more; the first decides what kind of task it is.
    ///   - program: Name and version of what made the page, for its foot.
    /// - Throws: ``ReportError`` without a run, or where runs are about different kinds of tasks.
    public init(_ runs: [RunFiles], program: String) throws {
        guard let first = runs.first else {
            throw ReportError("there is nothing to report on; name a directory")
        }
        for run in runs {
            guard let type = run.own?.problemType, let wanted = first.own?.problemType, type != wanted else {
                continue
            }
            throw ReportError(
                "\(first.path) is a model for \(wanted), \(run.path) for \(type); they cannot be compared, make a report of "
                    + "each")
        }
        self.runs = runs
        self.program = program
    }

    /// The page. It loads nothing, runs no script, and shows every text as it is, whatever is in it.
    ///
    /// - Throws: ``ReportError``.
    public func html() throws -> String {
        var builder = PageBuilder(runs: runs, program: program)
        return try PageTemplate.render(builder.page())
    }
}
