import ArgumentParser
import Distillation
import Foundation

/// What is kept for later runs.
struct CacheOptionGroup: ParsableArguments {
    @OptionGroup var place: CachePlaceOptions

    @Flag(
        inversion: .prefixedNo,
        help: "Keep the teacher's outputs, and take those that are there. (default: --teacher-cache)")
    var teacherCache: Bool?

    func options(_ settings: Settings) throws -> CacheOptions {
        var options = try place.options(settings)
        try settings.assign("teacher_cache", teacherCache, to: &options.teacherOutputs)
        return options
    }
}

/// Where it is kept.
struct CachePlaceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where tokenized data and teacher's outputs are kept. (default: $DISTILL_CACHE, else ~/.cache/distill)",
            valueName: "dir"),
        completion: .directory)
    var cacheDir: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Keep tokenized data, and take those that are there. (default: --data-cache)")
    var dataCache: Bool?

    func options(_ settings: Settings = Settings(file: nil)) throws -> CacheOptions {
        var options = CacheOptions()
        options.directory = try settings.value("cache_dir", cacheDir).map {
            URL(filePath: $0, directoryHint: .isDirectory)
        }
        try settings.assign("data_cache", dataCache, to: &options.data)
        return options
    }
}
