/** `rehearsal completion`: what makes a shell complete the command's words; the shells ask the command itself. */
import { Argument, Command } from "commander";
import type { Declare } from "../command.ts";
import { COMPLETE } from "../completion.ts";

type Shell = "bash" | "zsh" | "fish";

export const completionCommand: Declare = (act) =>
  new Command("completion")
    .description("Print what completes commands, options and names in your shell")
    .addArgument(new Argument("<shell>", "whose").choices(["bash", "zsh", "fish"]))
    .addHelpText(
      "after",
      `
  bash  echo 'source <(rehearsal completion bash)' >> ~/.bashrc
  zsh   echo 'source <(rehearsal completion zsh)' >> ~/.zshrc
  fish  rehearsal completion fish > ~/.config/fish/completions/rehearsal.fish`,
    )
    .action(
      act(async (_, shell: Shell, __: object) => {
        const script = SCRIPTS[shell];
        return { value: { shell, script }, text: script };
      }),
    );

/** Each calls the command by the word it was typed as, with the words up to the cursor. */
const SCRIPTS: Record<Shell, string> = {
  // Without mapfile, which the bash of macOS has not; what comes holds nothing that bash would expand.
  bash: `_rehearsal() {
  local IFS=$'\\n'
  COMPREPLY=($("\${COMP_WORDS[0]}" ${COMPLETE} -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _rehearsal rehearsal`,
  zsh: `_rehearsal() {
  local -a found
  found=("\${(@f)$("\${words[1]}" ${COMPLETE} -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if (( \${#found} )) && [[ -n "\${found[1]}" ]]; then compadd -- "\${found[@]}"; else _files; fi
}
compdef _rehearsal rehearsal`,
  fish: `function __rehearsal_complete
  set -l words (commandline -opc)
  $words[1] ${COMPLETE} -- $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c rehearsal -a '(__rehearsal_complete)'`,
};
