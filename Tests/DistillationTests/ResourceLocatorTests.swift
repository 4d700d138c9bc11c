import Foundation
import Synchronization
import Testing

@testable import Distillation

@Suite("How settings' models are found")
struct ResourceLocatorTests {
    /// The models that were asked for, with the cache in which each is to be made.
    private final class Asked: Sendable {
        let all = Mutex<[String]>([])

        var locator: ResourceLocator {
            ResourceLocator(
                model: { name, cache in
                    let place = cache.directory?.relativePath ?? "default"
                    self.all.withLock { $0.append("\(name) in \(place)") }
                    return URL(filePath: name)
                }, data: { name, _ in URL(filePath: name) })
        }
    }

    @Test("with the cache that the settings name, of fine-tuning, of teachers and of the student")
    func cache() throws {
        for (directory, place) in [(nil, "default"), ("elsewhere", "elsewhere")] as [(String?, String)] {
            var tuning: Settings = ["model": "m", "train": "t.csv", "output": "o"]
            var run: Settings = ["teachers": ["a", ["directory": "b"]], "train": "t.csv", "output": "o"]
            run["student"] = "s"
            var table: Settings = ["teacher": "t", "student": "static", "output": "o"]
            tuning.override("cache_dir", directory)
            run.override("cache_dir", directory)
            table.override("cache_dir", directory)
            let asked = Asked()
            let request = try FineTuneRequest(tuning, locator: asked.locator)
            #expect(request.cache.directory?.relativePath == directory)
            _ = try DistillRequest(run, locator: asked.locator)
            _ = try StaticStudentRequest(table, locator: asked.locator)
            let found = asked.all.withLock { $0 }
            #expect(found == ["m", "a", "b", "s", "t"].map { "\($0) in \(place)" })
        }
    }

    @Test("a cache's directory that is no text is an error, also beside a list of teachers")
    func wrong() throws {
        let settings: Settings = [
            "teachers": ["a"], "train": "t.csv", "output": "o", "cache_dir": ["x", "y"],
        ]
        let error = #expect(throws: SettingsError.self) { try DistillRequest(settings) }
        let message = error?.description ?? ""
        #expect(message.contains("cache_dir must be a text"), "\(message)")
    }
}
