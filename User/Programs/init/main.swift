import Runtime

/// The smallest first program: says what it is and with which words it was started.
@c(programMain)
public func programMain(argumentCount: Int32, arguments: StringVector, environment: StringVector) -> Int32 {
  var arguments = Arguments(count: argumentCount, vector: arguments)
  var line = TextLine()
  line.add("Hello from ")
  if let path = arguments.programPath {
    line.add(text: path.text)
  } else {
    line.add("a program without a name")
  }
  line.add(", process ")
  line.add(processIdentifier())
  while let argument = arguments.next() {
    line.add(" ")
    line.add(text: argument.text)
  }
  line.write()
  return ExitStatus.passed
}
