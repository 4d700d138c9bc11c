import ArgumentParser
import Distillation

/// The data kept for later runs.
struct CacheOptionGroup: ParsableArguments {
    @OptionGroup var location: CacheDirectoryOptions

    @Flag(
        inversion: .prefixedNo,
        help: "Keep the teacher's outputs, and take those that are there. (default: --teacher-cache)")
    var teacherCache: Bool?

    func register(in settings: inout Settings) {
        location.register(in: &settings)
        settings.override("teacher_cache", teacherCache)
    }
}

/// The directory of the cache.
struct CacheDirectoryOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The directory for tokenized data, teachers' outputs and merged adapters. (default: $DISTILL_CACHE, else ~/.cache/distill)",
            valueName: "dir"),
        completion: .directory)
    var cacheDir: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Keep tokenized data, and take those that are there. (default: --data-cache)")
    var dataCache: Bool?

    func register(in settings: inout Settings) {
        settings.override("cache_dir", cacheDir)
        settings.override("data_cache", dataCache)
    }

    /// The options of a command without a configuration file.
    func options() throws -> CacheOptions { try CacheOptions(SettingsReader(register), hasTeacher: false) }
}
