"""Text that would do something if any part of the page took it for more than text."""

RUN = "window.ran=1"
PAYLOADS = (
    f"<script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f"<svg onload={RUN}>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f'<a href="javascript:{RUN}" autofocus onfocus={RUN}>a</a>',
    f"[click](javascript:{RUN})",
    f"[click](data:text/html,<script>{RUN}</script>)",
    "![pixel](http://192.0.2.1/pixel.png)",
    f'![x](x"onerror="{RUN})',
    f"<details open ontoggle={RUN}>",
    f"<style>@import 'http://192.0.2.1/x.css'</style><body onload={RUN}>",
    f"<math><mtext></p><img src=x onerror={RUN}></mtext></math>",
    f"$\\href{{javascript:{RUN}}}{{x}}$",
    f"$$\\htmlData{{x=1}}{{\\url{{javascript:{RUN}}}}}$$",
    f"|a|<img src=x onerror={RUN}>|\n|-|-|\n|[b](javascript:{RUN})|c|",
    f"```html\n<script>{RUN}</script>\n```",
    f'"><input autofocus onfocus={RUN}>',
    "<link rel=stylesheet href=http://192.0.2.1/x.css><meta http-equiv=refresh content='0;url=http://192.0.2.1/'>",
    f"<http://192.0.2.1/> https://192.0.2.1/auto :material/home: :red[x] :smile: <object data=javascript:{RUN}>",
    f"{{{{constructor.constructor('{RUN}')()}}}} ${{{RUN}}} <%= {RUN} %>",
)
