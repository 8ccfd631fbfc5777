// swift-tools-version: 6.2
// A package of its own, so that building the kernel and running the host tests fetch nothing. It also has to
// be apart from the kernel's module `System`, which would stand in for the one that swift-subprocess imports.
import PackageDescription

let package = Package(
  name: "BootTests",
  dependencies: [
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0")
  ],
  targets: [
    .testTarget(
      name: "BootTests", dependencies: [.product(name: "Subprocess", package: "swift-subprocess")],
      path: "Sources")
  ]
)
