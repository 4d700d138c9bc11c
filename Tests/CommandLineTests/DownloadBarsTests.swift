import Foundation
import HubStore
import Testing

@testable import distill

@Suite struct DownloadBarsTests {
    private func progress(
        _ file: String, _ completed: Int, of total: Int, isDone: Bool = false, all: Int, files: (Int, Int)
    ) -> HubProgress {
        HubProgress(
            file: file, completed: all, total: 1000, fileCompleted: completed, fileTotal: total,
            isFileDone: isDone, filesCompleted: files.0, filesTotal: files.1)
    }

    @Test func eachFileHasABarUntilItIsThere() {
        var bars = DownloadBars()
        #expect(bars.lines(width: 100).isEmpty)
        bars.take(progress("a.parquet", 100, of: 200, all: 100, files: (0, 2)))
        bars.take(progress("b.parquet", 400, of: 800, all: 500, files: (0, 2)))
        let lines = bars.lines(width: 120)
        #expect(lines.count == 3)
        #expect(
            lines[0].hasPrefix("a.parquet ") && lines[0].hasSuffix("██████████░░░░░░░░░░  100 B of 200 B"))
        #expect(lines[1].hasPrefix("b.parquet ") && lines[2].hasPrefix("Downloading "))
        #expect(lines[2].hasSuffix("500 B of 1.0 kB  0/2 files"))
        bars.take(progress("a.parquet", 200, of: 200, isDone: true, all: 600, files: (1, 2)))
        #expect(bars.lines(width: 120).map { $0.prefix(9) } == ["b.parquet", "Downloadi"])
    }

    @Test func oneFileHasOneBar() {
        var bars = DownloadBars()
        bars.take(progress("a", 500, of: 1000, all: 500, files: (0, 1)))
        #expect(bars.lines(width: 80) == ["Downloading  ██████████░░░░░░░░░░  500 B of 1.0 kB  0/1 files"])
    }

    @Test(arguments: [10, 24, 40, 80, 200])
    func linesFitTheTerminal(width: Int) {
        var bars = DownloadBars()
        let long = String(repeating: "very/long/", count: 9) + "name\u{1B}[2J-00001.parquet"
        bars.take(progress(long, 1, of: 0, all: 1, files: (0, 3)))
        bars.take(progress("b", 1, of: 2, all: 1, files: (0, 3)))
        for line in bars.lines(width: width) {
            #expect(line.count <= max(10, width - 1) && !line.contains("\u{1B}"))
        }
        if width >= 80 { #expect(bars.lines(width: width)[0].contains("-00001.parquet")) }
    }

    @Test func bytesASecondAreTold() {
        let start = Date(timeIntervalSinceReferenceDate: 0)
        var bars = DownloadBars(start: start)
        // What an earlier attempt left was not fetched now.
        bars.take(progress("a", 400, of: 1000, all: 400, files: (0, 1)), at: start)
        bars.take(progress("a", 600, of: 1000, all: 600, files: (0, 1)), at: start.addingTimeInterval(2))
        let now = start.addingTimeInterval(2)
        #expect(
            bars.lines(width: 100, now: now) == [
                "Downloading  ████████████░░░░░░░░  100 B/s  600 B of 1.0 kB  0/1 files"
            ])
        #expect(bars.plainLine(now: now) == "Downloading  600 B of 1.0 kB  100 B/s  0/1 files")
        bars.take(
            progress("a", 1000, of: 1000, isDone: true, all: 1000, files: (1, 1)),
            at: start.addingTimeInterval(3))
        #expect(
            bars.plainLine(now: start.addingTimeInterval(3))
                == "Downloaded  1.0 kB of 1.0 kB  200 B/s  1/1 files")
    }
}
